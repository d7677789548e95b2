/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/shared.c - sealed memory files of Linux: memfd_create(2), fcntl(2) "File Sealing", futex(2).
 *
 * The calls are made by number: older C libraries have no function for some of them, and nobody has
 * one for the futex.
 */
#include "config.h"

#include "os/shared.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "os/descriptor.h"
#include "os/directory.h"
#include "os/failure.h"
#include "os/file.h"

/* Of the kernel's interface, for headers that are older than it. */
#define ZM_MFD_CLOEXEC 0x0001u
#define ZM_MFD_ALLOW_SEALING 0x0002u
#define ZM_MFD_NOEXEC_SEAL 0x0008u
#define ZM_F_ADD_SEALS 1033
#define ZM_F_GET_SEALS 1034
#define ZM_F_SEAL_SEAL 0x0001
#define ZM_F_SEAL_SHRINK 0x0002
#define ZM_F_SEAL_GROW 0x0004

#define SEALS (ZM_F_SEAL_SEAL | ZM_F_SEAL_SHRINK | ZM_F_SEAL_GROW)

/* ---- Making it ---- */

/*
 * Without the right to be executed where the kernel knows such a thing (Linux 6.3), which an administrator
 * may demand (sysctl vm.memfd_noexec).
 */
static int create(const char *name)
{
	int fd = (int)syscall(SYS_memfd_create, name,
			      ZM_MFD_CLOEXEC | ZM_MFD_ALLOW_SEALING | ZM_MFD_NOEXEC_SEAL);

	if (fd < 0 && errno == EINVAL)
		fd = (int)syscall(SYS_memfd_create, name, ZM_MFD_CLOEXEC | ZM_MFD_ALLOW_SEALING);
	return fd;
}

static int move_up(int fd)
{
	int higher = zm_descriptor_copy_up(fd);

	if (higher != fd)
		zm_file_close(fd);
	return higher;
}

static int set_up(struct zm_os_shared *shared)
{
	struct stat about;

	if (ftruncate(shared->fd, (off_t)shared->bytes) != 0 ||
	    fcntl(shared->fd, ZM_F_ADD_SEALS, SEALS) != 0 || fstat(shared->fd, &about) != 0)
		return zm_os_failure();
	shared->device = about.st_dev;
	shared->inode = about.st_ino;
	shared->at = mmap(NULL, shared->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, shared->fd, 0);
	if (shared->at == MAP_FAILED)
		return zm_os_failure();
	if (madvise(shared->at, shared->bytes, MADV_DONTFORK) == 0)
		return 0;
	munmap(shared->at, shared->bytes);
	return zm_os_failure();
}

int zm_os_shared_make(const char *name, size_t bytes, struct zm_os_shared *shared)
{
	int error;

	shared->bytes = bytes;
	shared->fd = create(name);
	if (shared->fd < 0)
		return zm_os_failure();
	shared->fd = move_up(shared->fd);
	error = set_up(shared);
	if (error != 0)
		zm_file_close(shared->fd);
	return error;
}

bool zm_os_shared_is_shown(const struct zm_os_shared *shared)
{
	struct stat about;

	return fstat(shared->fd, &about) == 0 && about.st_dev == shared->device &&
	       about.st_ino == shared->inode;
}

void zm_os_shared_hide(const struct zm_os_shared *shared)
{
	if (zm_os_shared_is_shown(shared))
		zm_file_close(shared->fd);
}

void zm_os_shared_unmap(const struct zm_os_shared *shared)
{
	munmap(shared->at, shared->bytes);
}

/* ---- Finding it ---- */

struct search {
	char link[NAME_MAX + 32]; /* what /proc shows of it */
	size_t link_size, bytes;
	int (*visit)(int fd, void *context);
	void *context;
	bool is_refused; /* the kernel did not tell what a descriptor is */
};

/*
 * Root without CAP_SYS_PTRACE, as in many containers, may list the descriptors of others, and is refused
 * only here.
 */
static bool is_named(int directory, const char *number, struct search *search)
{
	char found[sizeof(search->link)];
	ssize_t size = readlinkat(directory, number, found, sizeof(found));

	if (size < 0 && errno == EACCES)
		search->is_refused = true;
	return size == (ssize_t)search->link_size && memcmp(found, search->link, (size_t)size) == 0;
}

/* A file of any kind may have that name: none is opened that is not a plain one of our size. */
static int open_sealed(int directory, const char *number, const struct search *search)
{
	struct stat about;
	int fd, seals;

	if (fstatat(directory, number, &about, 0) != 0 || !S_ISREG(about.st_mode) ||
	    about.st_size != (off_t)search->bytes)
		return -1;
	fd = openat(directory, number, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return -1;
	seals = fcntl(fd, ZM_F_GET_SEALS);
	if (seals >= 0 && (seals & SEALS) == SEALS && fstat(fd, &about) == 0 &&
	    about.st_size == (off_t)search->bytes)
		return fd;
	zm_file_close(fd);
	return -1;
}

static int visit_descriptor(int directory, const char *number, void *context)
{
	struct search *search = context;
	int answer, fd;

	if (!is_named(directory, number, search))
		return 0;
	fd = open_sealed(directory, number, search);
	if (fd < 0)
		return 0;
	answer = search->visit(fd, search->context);
	if (answer == 0)
		zm_file_close(fd);
	return answer;
}

int zm_os_shared_visit(int64_t pid, const char *name, size_t bytes,
		       int (*visit)(int fd, void *context), void *context)
{
	struct search search = {.bytes = bytes, .visit = visit, .context = context};
	struct zm_path link, path;
	char text[48];
	int error;

	zm_path_init(&link, search.link, sizeof(search.link));
	zm_path_add(&link, zm_span_of("/memfd:"));
	zm_path_add(&link, zm_span_of(name));
	zm_path_add(&link, zm_span_of(" (deleted)"));
	search.link_size = link.length;
	zm_path_init(&path, text, sizeof(text));
	zm_path_add(&path, zm_span_of("/proc/"));
	if (pid <= 0 || !zm_path_add_number(&path, (uint64_t)pid) ||
	    !zm_path_add(&path, zm_span_of("/fd")))
		return ESRCH;
	error = zm_directory_visit(path.text, visit_descriptor, &search);
	if (error == 0 && search.is_refused)
		return EACCES;
	return error == ENOENT ? ESRCH : error;
}

int zm_os_shared_map(int fd, size_t bytes, void **at)
{
	*at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return *at == MAP_FAILED ? zm_os_failure() : 0;
}

/* ---- Waiting ---- */

/* A time of the C library's may be wider than that of the call of a 32-bit machine's first number. */
static long futex(ZM_ATOMIC(uint32_t) * word, int operation, uint32_t value,
		  const struct timespec *timeout)
{
#if defined(SYS_futex_time64) && defined(SYS_futex)
	if (sizeof(timeout->tv_sec) > sizeof(long)) {
		long answer = syscall(SYS_futex_time64, word, operation, value, timeout, NULL, 0);

		if (answer >= 0 || errno != ENOSYS)
			return answer;
	}
#elif defined(SYS_futex_time64)
#define SYS_futex SYS_futex_time64
#endif
	if (timeout != NULL && sizeof(timeout->tv_sec) > sizeof(long)) {
		const long narrow[2] = {(long)timeout->tv_sec, timeout->tv_nsec};

		return syscall(SYS_futex, word, operation, value, narrow, NULL, 0);
	}
	return syscall(SYS_futex, word, operation, value, timeout, NULL, 0);
}

int zm_os_word_wait(ZM_ATOMIC(uint32_t) * word, uint32_t value, int timeout_ms)
{
	const struct timespec timeout = {.tv_sec = timeout_ms / 1000,
					 .tv_nsec = (long)(timeout_ms % 1000) * 1000000};

	if (futex(word, FUTEX_WAIT, value, timeout_ms < 0 ? NULL : &timeout) != 0 &&
	    errno == ETIMEDOUT)
		return ETIMEDOUT;
	return 0;
}

void zm_os_word_wake(ZM_ATOMIC(uint32_t) * word)
{
	futex(word, FUTEX_WAKE, INT_MAX, NULL);
}

void zm_os_thread_name(const char *name)
{
	prctl(PR_SET_NAME, name, 0, 0, 0);
}

/* ---- Promptness ---- */

/* The least that the kernel takes. */
#define SLICE_NS 100000

/* What sched_setattr(2) had at first. Some C libraries have a larger one of its name. */
struct attributes {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime_ns; /* of an ordinary thread: how long it runs at once, and so how soon */
	uint64_t deadline_ns, period_ns;
};

void zm_os_thread_prompt(void)
{
#if defined(SYS_sched_getattr) && defined(SYS_sched_setattr)
	struct attributes attributes = {.size = sizeof(attributes)};

	if (syscall(SYS_sched_getattr, 0, &attributes, sizeof(attributes), 0) != 0 ||
	    attributes.policy != SCHED_OTHER)
		return;
	attributes.size = sizeof(attributes);
	attributes.runtime_ns = SLICE_NS;
	syscall(SYS_sched_setattr, 0, &attributes, 0);
#endif
}
