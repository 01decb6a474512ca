/* Runs one kernel and prints one JSON line: `hotpath-gcc KERNEL check|MILLISECONDS`, as bench/native does. */
#include "fixtures.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct kernel *find(const char *name) {
  const struct kernel *tables[] = {bit_kernels, page_kernels, slot_kernels};
  for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
    for (const struct kernel *kernel = tables[i]; kernel->name != 0; kernel++) {
      if (strcmp(kernel->name, name) == 0) return kernel;
    }
  }
  return 0;
}

static uint64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static int ascending(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a;
  uint64_t y = *(const uint64_t *)b;
  return x < y ? -1 : x > y;
}

/* A quarter of the time warms up. */
static void time_kernel(const struct kernel *kernel, double budget_ns) {
  size_t room = 1 << 16;
  size_t count = 0;
  uint64_t *samples = malloc(room * sizeof *samples);
  uint64_t begin = now_ns();
  while (samples != 0) {
    uint64_t start = now_ns();
    kernel->run();
    uint64_t end = now_ns();
    if ((double)(end - begin) > budget_ns * 1.25 && count > 0) break;
    if ((double)(end - begin) <= budget_ns / 4) continue;
    if (count == room) samples = realloc(samples, (room *= 2) * sizeof *samples);
    if (samples != 0) samples[count++] = end - start;
  }
  if (samples == 0) exit(1);
  qsort(samples, count, sizeof *samples, ascending);
  printf("{\"samples\":%zu,\"p25Ns\":%llu,\"p50Ns\":%llu,\"p75Ns\":%llu}\n", count,
         (unsigned long long)samples[(count - 1) / 4], (unsigned long long)samples[(count - 1) / 2],
         (unsigned long long)samples[(count - 1) * 3 / 4]);
  free(samples);
}

int main(int count, char **arguments) {
  if (count != 3) {
    fputs("usage: hotpath-gcc KERNEL check|MILLISECONDS\n", stderr);
    return 2;
  }
  const struct kernel *kernel = find(arguments[1]);
  if (kernel == 0) {
    puts("{}");
    return 0;
  }
  kernel->set_up(kernel->argument);
  if (strcmp(arguments[2], "check") == 0) {
    kernel->run();
    kernel->run();
    printf("{\"digest\":%u}\n", kernel->digest());
    return 0;
  }
  time_kernel(kernel, atof(arguments[2]) * 1e6);
  return 0;
}
