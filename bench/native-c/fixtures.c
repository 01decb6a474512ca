/* The same inputs and digests as bench/fixtures.ts makes. */
#include "fixtures.h"
#include <string.h>

uint32_t range_first[EVENTS];
uint32_t range_length[EVENTS];

static uint32_t random_next(uint32_t *state) {
  *state += 0x9e3779b9u;
  uint32_t z = *state;
  z = (z ^ (z >> 16)) * 0x21f0aaadu;
  z = (z ^ (z >> 15)) * 0x735a2d97u;
  return z ^ (z >> 15);
}

uint32_t random_below(uint32_t *state, uint32_t limit) {
  return (uint32_t)(((uint64_t)random_next(state) * limit) >> 32);
}

uint32_t digest(const void *bytes, size_t count, uint32_t start) {
  const uint8_t *at = bytes;
  for (size_t i = 0; i < count; i++) start = (start ^ at[i]) * 0x01000193u;
  return start;
}

void make_ranges(uint32_t longest) {
  uint32_t state = 1;
  for (int i = 0; i < EVENTS; i++) {
    range_length[i] = 1 + random_below(&state, longest);
    range_first[i] = random_below(&state, CHUNKS - longest);
  }
}

void make_bitmap(uint64_t *words, uint32_t seed, uint32_t set) {
  uint32_t state = seed;
  memset(words, 0, CHUNKS / 8);
  if (set >= CHUNKS / 2) {
    for (size_t i = 0; i < CHUNKS / 64; i++) {
      uint64_t low = random_next(&state);
      words[i] = low | ((uint64_t)random_next(&state) << 32);
    }
    return;
  }
  for (uint32_t i = 0; i < set; i++) {
    uint32_t bit = random_below(&state, CHUNKS);
    words[bit / 64] |= 1ull << (bit % 64);
  }
}
