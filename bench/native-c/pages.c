/* Which pages to write, and where they are. */
#include "fixtures.h"

static uint32_t marks[PAGES];
static uint32_t mark_count;
static uint8_t dirty[PAGES];
static uint8_t pending[PAGES];
static uint8_t need_write[PAGES];
static uint32_t list[PAGES];
static double offset[PAGES];
static uint32_t listed;

static void set_up_offsets(unsigned count) {
  listed = count;
  for (uint32_t i = 0; i < count; i++) list[i] = i;
}

static void set_up_marks(unsigned count) {
  uint32_t state = 5;
  mark_count = count;
  for (uint32_t i = 0; i < count; i++) marks[i] = random_below(&state, PAGES);
}

static __attribute__((noinline)) void place(void) {
  for (uint32_t i = 0; i < listed; i++) offset[i] = FIRST_PAGE_OFFSET_BYTES + (double)list[i] * 4096;
}

static __attribute__((noinline)) void unplug(void) {
  uint32_t n = 0;
  for (uint32_t page = 0; page < PAGES; page++) {
    if ((dirty[page] | need_write[page]) == 0) continue;
    dirty[page] = 0;
    need_write[page] = 0;
    pending[page] = 0;
    list[n++] = page;
  }
  listed = n;
}

static void list_dirty(void) {
  for (uint32_t i = 0; i < mark_count; i++) dirty[marks[i]] = 1;
  unplug();
  place();
}

static uint32_t digest_offsets(void) { return digest(offset, listed * sizeof offset[0], DIGEST_START); }

static uint32_t digest_list(void) {
  uint32_t hash = digest(list, listed * sizeof list[0], DIGEST_START);
  return digest(offset, listed * sizeof offset[0], hash);
}

const struct kernel page_kernels[] = {
    {"offsets", set_up_offsets, PAGES, place, digest_offsets},
    {"pages-0.1", set_up_marks, 8, list_dirty, digest_list},
    {"pages-5", set_up_marks, 410, list_dirty, digest_list},
    {"pages-50", set_up_marks, 4096, list_dirty, digest_list},
    {0},
};
