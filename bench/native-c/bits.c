/* Kernels on bits alone. */
#include "fixtures.h"
#include <string.h>

#define WORDS (CHUNKS / 64)
/* Numbers that a scan hands out at a time. */
#define PIECE 16384

static uint64_t words[WORDS];
static uint64_t large[LARGE_BITMAPS * WORDS];
/* What a scan reads. */
static const uint64_t *scanned = words;
static uint32_t scanned_words = WORDS;
static uint64_t source[WORDS];
static uint32_t found[PIECE];
static uint64_t count;

static void set_up_empty(unsigned longest) {
  memset(words, 0, sizeof words);
  make_ranges(longest);
}

static void set_up_bitmap(unsigned set) { make_bitmap(words, 2, set); }

static void set_up_large(unsigned set) {
  for (uint32_t i = 0; i < LARGE_BITMAPS; i++) make_bitmap(large + i * WORDS, 2 + i, set);
  scanned = large;
  scanned_words = LARGE_BITMAPS * WORDS;
}

static void set_up_two(unsigned set) {
  make_bitmap(words, 2, set);
  make_bitmap(source, 3, set);
}

static uint32_t digest_words(void) { return digest(words, sizeof words, DIGEST_START); }

static void set_bits(void) {
  uint8_t *bytes = (uint8_t *)words;
  for (int i = 0; i < EVENTS; i++) {
    uint32_t chunk = range_first[i];
    bytes[chunk >> 3] |= (uint8_t)(1 << (chunk & 7));
  }
}

static void set_ranges(void) {
  for (int i = 0; i < EVENTS; i++) {
    uint32_t first = range_first[i];
    uint32_t last = first + range_length[i] - 1;
    uint64_t from = ~0ull << (first & 63);
    uint64_t to = ~0ull >> (63 - (last & 63));
    uint32_t low = first >> 6;
    uint32_t high = last >> 6;
    if (low == high) {
      words[low] |= from & to;
      continue;
    }
    words[low] |= from;
    for (uint32_t word = low + 1; word < high; word++) words[word] = ~0ull;
    words[high] |= to;
  }
}

static void merge_or(void) {
  for (unsigned i = 0; i < WORDS; i++) words[i] |= source[i];
}

static void count_bits(void) {
  uint64_t sum = 0;
  for (unsigned i = 0; i < WORDS; i++) sum += (uint64_t)__builtin_popcountll(words[i]);
  count = sum;
}

static uint32_t digest_count(void) { return (uint32_t)count; }

/* Fills a piece from word `*index` on and returns how many were found. */
static __attribute__((noinline)) uint32_t scan_piece(uint32_t *index) {
  uint32_t n = 0;
  uint32_t at = *index;
  for (; at < scanned_words && n + 64 <= PIECE; at++) {
    for (uint64_t left = scanned[at]; left != 0; left &= left - 1) {
      found[n++] = at * 64 + (uint32_t)__builtin_ctzll(left);
    }
  }
  *index = at;
  return n;
}

static void scan(void) {
  uint64_t total = 0;
  for (uint32_t index = 0; index < scanned_words;) total += scan_piece(&index);
  count = total;
}

static uint32_t digest_scan(void) {
  uint32_t hash = DIGEST_START;
  for (uint32_t index = 0; index < scanned_words;) {
    uint32_t n = scan_piece(&index);
    hash = digest(found, n * sizeof found[0], hash);
  }
  return hash;
}

const struct kernel bit_kernels[] = {
    {"set-bit", set_up_empty, 1, set_bits, digest_words},
    {"set-range", set_up_empty, 64, set_ranges, digest_words},
    {"merge-or", set_up_two, 10485, merge_or, digest_words},
    {"popcount", set_up_bitmap, CHUNKS / 2, count_bits, digest_count},
    {"scan-0.01", set_up_bitmap, 104, scan, digest_scan},
    {"scan-1", set_up_bitmap, 10485, scan, digest_scan},
    {"scan-1-large", set_up_large, 10485, scan, digest_scan},
    {"scan-50", set_up_bitmap, CHUNKS / 2, scan, digest_scan},
    {0},
};
