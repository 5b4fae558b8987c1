// A shared library for tests, loaded before the C library (LD_PRELOAD). It lets chosen calls that
// change files fail as on a broken or full disk, and moves the calendar's clock.
//
//   FAIL_WRITE_BELOW=FOLDER   only calls on names and regular files below it count
//   FAIL_WRITE_AT=N           the N-th call fails (from 1)
//   FAIL_WRITE_ALL=1          and all calls after it
//   FAIL_WRITE_ERROR=ENOSPC   or EIO, EROFS, EDQUOT; with ENOSPC the failing write stores half
//   first FAIL_WRITE_COUNT=FILE     at the end the number of calls that counted is written there
//   CLOCK_JUMP_AT=N           from its N-th reading on, the calendar's clock ...
//   CLOCK_JUMP_S=S            ... is S seconds off
//
// Counted are: open for writing, mkdir, write, pwrite, ftruncate, fsync, rename; not unlink, for a
// full disk lets that through.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

static atomic_long calls, readings;

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int error_number(void) {
  const char* name = getenv("FAIL_WRITE_ERROR");
  if (name != NULL && strcmp(name, "EIO") == 0) return EIO;
  if (name != NULL && strcmp(name, "EROFS") == 0) return EROFS;
  if (name != NULL && strcmp(name, "EDQUOT") == 0) return EDQUOT;
  return ENOSPC;
}

static int is_below(const char* path) {
  const char* folder = getenv("FAIL_WRITE_BELOW");
  if (folder == NULL || path == NULL) return 0;
  char full[PATH_MAX];
  if (path[0] != '/') {
    char here[PATH_MAX];
    if (getcwd(here, sizeof here) == NULL) return 0;
    if (snprintf(full, sizeof full, "%s/%s", here, path) >= (int)sizeof full) return 0;
    path = full;
  }
  return strncmp(path, folder, strlen(folder)) == 0;
}

static int is_file_below(int descriptor) {
  struct stat status;
  if (getenv("FAIL_WRITE_BELOW") == NULL) return 0;
  if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) return 0;
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  const ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0) return 0;
  path[length] = '\0';
  return is_below(path);
}

// Whether this call, which counts, is one that fails.
static int fails(void) {
  const char* at = getenv("FAIL_WRITE_AT");
  const long number = atomic_fetch_add(&calls, 1) + 1;
  if (at == NULL) return 0;
  return number == atol(at) || (number > atol(at) && getenv("FAIL_WRITE_ALL") != NULL);
}

static int open_checked(const char* path, int flags) {
  const int writes = (flags & O_ACCMODE) != O_RDONLY;
  if (writes && is_below(path) && fails()) {
    errno = error_number();
    return -1;
  }
  return 0;
}

#define MODE_OF(flags)                            \
  mode_t mode = 0;                                \
  if (((flags) & (O_CREAT | __O_TMPFILE)) != 0) { \
    va_list list;                                 \
    va_start(list, flags);                        \
    mode = va_arg(list, mode_t);                  \
    va_end(list);                                 \
  }

int open(const char* path, int flags, ...) {
  MODE_OF(flags)
  return open_checked(path, flags) != 0 ? -1 : NEXT(open)(path, flags, mode);
}
int open64(const char* path, int flags, ...) {
  MODE_OF(flags)
  return open_checked(path, flags) != 0 ? -1 : NEXT(open64)(path, flags, mode);
}
int openat(int folder, const char* path, int flags, ...) {
  MODE_OF(flags)
  return open_checked(path, flags) != 0 ? -1 : NEXT(openat)(folder, path, flags, mode);
}

static FILE* opened(const char* path, const char* mode, FILE* (*next)(const char*, const char*)) {
  if (open_checked(path, mode[0] == 'r' && strchr(mode, '+') == NULL ? O_RDONLY : O_RDWR) != 0) {
    return NULL;
  }
  return next(path, mode);
}
FILE* fopen(const char* path, const char* mode) { return opened(path, mode, NEXT(fopen)); }
FILE* fopen64(const char* path, const char* mode) { return opened(path, mode, NEXT(fopen64)); }

int mkdir(const char* path, mode_t mode) {
  if (is_below(path) && fails()) {
    errno = error_number();
    return -1;
  }
  return NEXT(mkdir)(path, mode);
}

// A disk that gets full stores what still fits.
static ssize_t failed_write(int descriptor, const void* bytes, size_t size, off_t offset) {
  errno = error_number();
  if (errno == ENOSPC && size > 1 && getenv("FAIL_WRITE_ALL") != NULL) {
    return offset < 0 ? NEXT(write)(descriptor, bytes, size / 2)
                      : NEXT(pwrite)(descriptor, bytes, size / 2, offset);
  }
  return -1;
}
ssize_t write(int descriptor, const void* bytes, size_t size) {
  if (is_file_below(descriptor) && fails()) return failed_write(descriptor, bytes, size, -1);
  return NEXT(write)(descriptor, bytes, size);
}
ssize_t pwrite(int descriptor, const void* bytes, size_t size, off_t offset) {
  if (is_file_below(descriptor) && fails()) return failed_write(descriptor, bytes, size, offset);
  return NEXT(pwrite)(descriptor, bytes, size, offset);
}

static int fails_on(int descriptor) {
  if (!is_file_below(descriptor) || !fails()) return 0;
  errno = error_number();
  return 1;
}
int ftruncate(int descriptor, off_t length) {
  return fails_on(descriptor) ? -1 : NEXT(ftruncate)(descriptor, length);
}
int ftruncate64(int descriptor, off64_t length) {
  return fails_on(descriptor) ? -1 : NEXT(ftruncate64)(descriptor, length);
}
int fsync(int descriptor) { return fails_on(descriptor) ? -1 : NEXT(fsync)(descriptor); }
int fdatasync(int descriptor) { return fails_on(descriptor) ? -1 : NEXT(fdatasync)(descriptor); }
int rename(const char* from, const char* to) {
  if (is_below(to) && fails()) {
    errno = error_number();
    return -1;
  }
  return NEXT(rename)(from, to);
}

__attribute__((destructor)) static void write_count(void) {
  const char* name = getenv("FAIL_WRITE_COUNT");
  if (name == NULL || atomic_load(&calls) == 0) return;
  FILE* file = NEXT(fopen)(name, "w");
  if (file == NULL) return;
  fprintf(file, "%ld\n", atomic_load(&calls));
  fclose(file);
}

static time_t jump(void) {
  const char* at = getenv("CLOCK_JUMP_AT");
  const char* seconds = getenv("CLOCK_JUMP_S");
  if (at == NULL || seconds == NULL) return 0;
  return atomic_fetch_add(&readings, 1) + 1 >= atol(at) ? (time_t)atol(seconds) : 0;
}
int clock_gettime(clockid_t clock, struct timespec* now) {
  const int result = NEXT(clock_gettime)(clock, now);
  if (result == 0 && clock == CLOCK_REALTIME) now->tv_sec += jump();
  return result;
}
int gettimeofday(struct timeval* restrict now, void* restrict zone) {
  const int result = NEXT(gettimeofday)(now, zone);
  if (result == 0) now->tv_sec += jump();
  return result;
}
time_t time(time_t* now) {
  const time_t value = NEXT(time)(NULL) + jump();
  if (now != NULL) *now = value;
  return value;
}
