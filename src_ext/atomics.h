/* Counters that the threads of a call share: the entries of the array `sync`. */

#include <stddef.h>
#include <stdint.h>
#if defined(_WIN32)
__declspec(dllimport) int __stdcall SwitchToThread(void); /* instead of windows.h, which defines thousands of names */
#else
#include <sched.h>
#endif

#if defined(_WIN32) && (defined(FASTGD_PLAIN) || !(defined(__GNUC__) || defined(__clang__)))

#include <intrin.h>

/* Microsoft's compilers have one operation for all sizes of address: exchange if equal, which orders all memory. Reading
   by it costs more than a load, but no 64-bit load of a 32-bit machine is one step. */
static int64_t exchange_if(const int64_t *entry, int64_t expected, int64_t value) {
    return _InterlockedCompareExchange64((volatile __int64 *)entry, value, expected);
}

static int64_t read_entry(const int64_t *sync, ptrdiff_t entry) { return exchange_if(&sync[entry], 0, 0); }

static int replace_entry(int64_t *sync, ptrdiff_t entry, int64_t expected, int64_t value) {
    return exchange_if(&sync[entry], expected, value) == expected;
}

static int64_t add_to_entry(int64_t *sync, ptrdiff_t entry, int64_t amount) {
    int64_t found = read_entry(sync, entry);
    while (!replace_entry(sync, entry, found, found + amount)) found = read_entry(sync, entry);
    return found + amount;
}

static void write_entry(int64_t *sync, ptrdiff_t entry, int64_t value) {
    while (!replace_entry(sync, entry, read_entry(sync, entry), value)) {}
}

#else

/* Return an entry. The thread then sees all that another thread had written before it wrote this value (acquire). */
static int64_t read_entry(const int64_t *sync, ptrdiff_t entry) { return __atomic_load_n(&sync[entry], __ATOMIC_ACQUIRE); }

/* Write an entry, after all that this thread has written before (release). */
static void write_entry(int64_t *sync, ptrdiff_t entry, int64_t value) {
    __atomic_store_n(&sync[entry], value, __ATOMIC_RELEASE);
}

/* Add to an entry in one step that no other thread can come between (acquire and release); return the sum. */
static int64_t add_to_entry(int64_t *sync, ptrdiff_t entry, int64_t amount) {
    return __atomic_add_fetch(&sync[entry], amount, __ATOMIC_ACQ_REL);
}

/* Write an entry if it still holds `expected`, in one step, without ordering other memory; return 1 if it did. */
static int replace_entry(int64_t *sync, ptrdiff_t entry, int64_t expected, int64_t value) {
    return __atomic_compare_exchange_n(&sync[entry], &expected, value, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

#endif

/* Offer this thread's core to other threads. */
static void give_way(void) {
#if defined(_WIN32)
    SwitchToThread();
#else
    sched_yield();
#endif
}
