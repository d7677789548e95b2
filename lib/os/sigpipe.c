/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/sigpipe.c - writing to a reader that may be gone, or to a file that may grow no more, without being
 * ended by SIGPIPE or SIGXFSZ.
 *
 * The signal of a write is the writing thread's own, so blocking it here and taking it away again
 * does what is wanted, and the program's handlers are not touched. Darwin sends it to the process,
 * where another thread would get it, but can turn it off on a descriptor.
 */
#include "config.h"

#include "os/failure.h"
#include "os/os.h"
#include "os/sigpipe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

/* What a write raises. */
static const int raised[] = {
	SIGPIPE,
#ifdef SIGXFSZ
	SIGXFSZ,
#endif
};

enum {
	RAISED = sizeof(raised) / sizeof(raised[0])
};

static void take_pending(sigset_t *pending)
{
	if (sigpending(pending) != 0)
		sigemptyset(pending);
}

void zm_sigpipe_hold(struct zm_sigpipe *hold, int fd)
{
	sigset_t set;

	sigemptyset(&set);
	for (int i = 0; i < RAISED; i++)
		sigaddset(&set, raised[i]);
	take_pending(&hold->pending);
	pthread_sigmask(SIG_BLOCK, &set, &hold->mask);
	hold->fd = fd;
#ifdef F_SETNOSIGPIPE
	hold->fd_flag = fcntl(fd, F_GETNOSIGPIPE);
	if (hold->fd_flag == 0)
		fcntl(fd, F_SETNOSIGPIPE, 1);
#endif
}

/* One that is ignored never becomes pending: waiting for it would last for ever. */
static void drop(int number, const sigset_t *before, const sigset_t *now)
{
	sigset_t set;
	int taken;

	if (sigismember(before, number) == 1 || sigismember(now, number) != 1)
		return;
	sigemptyset(&set);
	sigaddset(&set, number);
	sigwait(&set, &taken);
}

void zm_sigpipe_release(const struct zm_sigpipe *hold)
{
	sigset_t pending;

#ifdef F_SETNOSIGPIPE
	if (hold->fd_flag == 0)
		fcntl(hold->fd, F_SETNOSIGPIPE, 0);
#endif
	take_pending(&pending);
	for (int i = 0; i < RAISED; i++)
		drop(raised[i], &hold->pending, &pending);
	pthread_sigmask(SIG_SETMASK, &hold->mask, NULL);
}

/* send() can be told by a flag to raise no signal: a socket needs nothing more where there is that flag. */
static bool send_quietly(int fd, const void *bytes, size_t size, ssize_t *sent)
{
#ifdef HAVE_MSG_NOSIGNAL
	*sent = send(fd, bytes, size, MSG_NOSIGNAL);
	return *sent >= 0 || errno != ENOTSOCK;
#else
	(void)fd;
	(void)bytes;
	(void)size;
	(void)sent;
	return false;
#endif
}

static ssize_t write_quietly(int fd, const void *bytes, size_t size)
{
	struct zm_sigpipe hold;
	ssize_t written;
	int error;

	if (send_quietly(fd, bytes, size, &written))
		return written;
	zm_sigpipe_hold(&hold, fd);
	written = write(fd, bytes, size);
	error = errno;
	zm_sigpipe_release(&hold);
	errno = error;
	return written;
}

int zm_os_write(int fd, const void *bytes, size_t size)
{
	const char *p = bytes;

	while (size > 0) {
		ssize_t written = write_quietly(fd, p, size);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return zm_os_failure();
		p += written;
		size -= (size_t)written;
	}
	return 0;
}
