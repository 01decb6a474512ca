/* Inputs and digests, the same as in bench/fixtures.ts. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define CHUNKS (1u << 20)
#define CHUNK_SHIFT 7
#define EVENTS 4096
#define BATCH 256
/* A large bitmap is made of so many others: more than a processor learns by heart. */
#define LARGE_BITMAPS 64
#define PAGES 8192
#define FIRST_PAGE_OFFSET_BYTES 8192.0
#define DIGEST_START 0x811c9dc5u

/* One kernel: `set_up` makes its state, `run` is what is timed, `digest` sums up the state that it leaves. */
struct kernel {
  const char *name;
  void (*set_up)(unsigned argument);
  unsigned argument;
  void (*run)(void);
  uint32_t (*digest)(void);
};

/* Each ends with an entry without a name. */
extern const struct kernel bit_kernels[];
extern const struct kernel page_kernels[];
extern const struct kernel slot_kernels[];

/* First chunk and length of every event. */
extern uint32_t range_first[EVENTS];
extern uint32_t range_length[EVENTS];

/* splitmix32, reduced to below `limit`. */
uint32_t random_below(uint32_t *state, uint32_t limit);
/* FNV-1a. */
uint32_t digest(const void *bytes, size_t count, uint32_t start);
/* Fills the events with lengths of 1 to `longest`. */
void make_ranges(uint32_t longest);
/* A bitmap with `set` draws of a random bit, or all bits drawn evenly where `set` is half of them. */
void make_bitmap(uint64_t *words, uint32_t seed, uint32_t set);
