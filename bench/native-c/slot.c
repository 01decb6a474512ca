/* A slot's counters and image, as assembly/ has them: counter pages behind a table, attributes a byte a page. */
#include "fixtures.h"
#include <stdbool.h>

#define COUNTER_PAGE_SHIFT 11
#define COUNTER_PAGE 2048u
#define COUNTER_PAGES (CHUNKS / COUNTER_PAGE)
#define SUPERBLOCK_BITS 2048
#define SUPERBLOCK_BYTES 256
#define PAGE_BIT_SHIFT 15
#define PAGE_COUNT ((CHUNKS + SUPERBLOCK_BITS + 32767) / 32768)

static uint32_t chunk_shift = CHUNK_SHIFT;
static uint64_t size_sectors = (uint64_t)CHUNKS << CHUNK_SHIFT;
static double sector[EVENTS];
static uint32_t sectors[EVENTS];
static uint8_t image[PAGE_COUNT * 4096];
/* Where each counter page is; they come from the pool at their first write. */
static uint16_t *table[COUNTER_PAGES];
static uint16_t pool[CHUNKS];
static uint32_t pool_used;
static uint8_t idle[COUNTER_PAGES];
static uint8_t dirty[PAGE_COUNT];
static uint8_t pending[PAGE_COUNT];
static uint8_t need_write[PAGE_COUNT];
static uint32_t list[PAGE_COUNT];
static uint32_t listed;
static bool all_clean = true;

static void set_up(unsigned longest) {
  make_ranges(longest);
  for (int i = 0; i < EVENTS; i++) {
    sector[i] = (double)range_first[i] * (1 << CHUNK_SHIFT);
    sectors[i] = range_length[i] << CHUNK_SHIFT;
  }
}

static __attribute__((noinline, cold)) uint16_t *add_counter_page(uint32_t page) {
  return table[page] = pool + COUNTER_PAGE * pool_used++;
}

static uint16_t *counters_of(uint32_t page) {
  uint16_t *counters = table[page];
  return counters != 0 ? counters : add_counter_page(page);
}

/* First and last chunk of a ring event; false where it passes the end. */
static bool chunks_of(int event, uint32_t *from, uint32_t *to) {
  uint64_t start = (uint64_t)(int64_t)sector[event];
  uint64_t last = start + sectors[event] - 1;
  if (last >= size_sectors || sectors[event] == 0) return false;
  *from = (uint32_t)(start >> chunk_shift);
  *to = (uint32_t)(last >> chunk_shift);
  return true;
}

static __attribute__((noinline)) int start_writes(int first, int count) {
  for (int event = first; event < first + count; event++) {
    uint32_t chunk, to;
    if (!chunks_of(event, &chunk, &to)) return event - first;
    while (chunk <= to) {
      uint16_t *counters = counters_of(chunk >> COUNTER_PAGE_SHIFT);
      uint32_t page_end = chunk | (COUNTER_PAGE - 1);
      uint32_t end = to < page_end ? to : page_end;
      for (; chunk <= end; chunk++) {
        uint16_t *counter = counters + (chunk & (COUNTER_PAGE - 1));
        uint32_t word = *counter;
        if (word < 2) {
          if (word == 0) {
            image[SUPERBLOCK_BYTES + (chunk >> 3)] |= (uint8_t)(1 << (chunk & 7));
            dirty[(chunk + SUPERBLOCK_BITS) >> PAGE_BIT_SHIFT] = 1;
          }
          word = 2;
        }
        *counter = (uint16_t)(word + 1);
      }
    }
  }
  return count;
}

static __attribute__((noinline)) void end_writes(int first, int count) {
  for (int event = first; event < first + count; event++) {
    uint32_t chunk, to;
    if (!chunks_of(event, &chunk, &to)) return;
    while (chunk <= to) {
      uint32_t page = chunk >> COUNTER_PAGE_SHIFT;
      uint16_t *counters = counters_of(page);
      uint32_t page_end = chunk | (COUNTER_PAGE - 1);
      uint32_t end = to < page_end ? to : page_end;
      for (; chunk <= end; chunk++) {
        uint16_t *counter = counters + (chunk & (COUNTER_PAGE - 1));
        uint16_t word = (uint16_t)(*counter - 1);
        *counter = word;
        if (word <= 2) {
          idle[page] = 1;
          all_clean = false;
        }
      }
    }
  }
}

static __attribute__((noinline)) void unplug(void) {
  listed = 0;
  for (uint32_t page = 0; page < PAGE_COUNT; page++) {
    if ((dirty[page] | need_write[page]) == 0) continue;
    dirty[page] = need_write[page] = pending[page] = 0;
    list[listed++] = page;
  }
}

static void age(uint32_t counter_page) {
  uint16_t *counters = table[counter_page];
  bool still_idle = false;
  bool cleared = false;
  for (uint32_t i = 0; i < COUNTER_PAGE; i++) {
    if (counters[i] == 1) {
      uint32_t chunk = counter_page * COUNTER_PAGE + i;
      counters[i] = 0;
      image[SUPERBLOCK_BYTES + (chunk >> 3)] &= (uint8_t)~(1 << (chunk & 7));
      cleared = true;
    } else if (counters[i] == 2) {
      counters[i] = 1;
      still_idle = true;
    }
  }
  if (still_idle) {
    idle[counter_page] = 1;
    all_clean = false;
  }
  uint32_t page = (counter_page * COUNTER_PAGE + SUPERBLOCK_BITS) >> PAGE_BIT_SHIFT;
  if (cleared && need_write[page] == 0) {
    pending[page] = 1;
    all_clean = false;
  }
}

static __attribute__((noinline)) void daemon_pass(void) {
  listed = 0;
  if (all_clean) return;
  all_clean = true;
  for (uint32_t page = 0; page < PAGE_COUNT; page++) {
    need_write[page] |= pending[page];
    pending[page] = 0;
  }
  for (uint32_t page = 0; page < COUNTER_PAGES; page++) {
    if (idle[page] == 0) continue;
    idle[page] = 0;
    age(page);
  }
  for (uint32_t page = 0; page < PAGE_COUNT && dirty[page] == 0; page++) {
    if (need_write[page] == 0) continue;
    need_write[page] = 0;
    list[listed++] = page;
  }
}

static void writes(void) {
  for (int first = 0; first < EVENTS; first += BATCH) start_writes(first, BATCH);
  for (int first = 0; first < EVENTS; first += BATCH) end_writes(first, BATCH);
}

static void passes(void) {
  start_writes(0, BATCH);
  unplug();
  end_writes(0, BATCH);
  for (int pass = 0; pass < 3; pass++) daemon_pass();
}

static uint32_t digest_slot(void) {
  static uint16_t counters[CHUNKS];
  for (uint32_t chunk = 0; chunk < CHUNKS; chunk++) {
    uint16_t *page = table[chunk >> COUNTER_PAGE_SHIFT];
    counters[chunk] = page != 0 ? page[chunk & (COUNTER_PAGE - 1)] : 0;
  }
  uint32_t hash = digest(counters, sizeof counters, digest(image, sizeof image, DIGEST_START));
  return digest(list, listed * sizeof list[0], hash);
}

/* Of writes alone the list is no part. */
static uint32_t digest_writes(void) {
  listed = 0;
  return digest_slot();
}

const struct kernel slot_kernels[] = {
    {"writes-one", set_up, 1, writes, digest_writes},
    {"writes-many", set_up, 64, writes, digest_writes},
    {"passes", set_up, 1, passes, digest_slot},
    {0},
};
