/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/screen.c - the terminal: its size, its keys, and leaving it as it was.
 *
 * The few control sequences used are those of ECMA-48, which every terminal since the VT100 knows.
 */
#include "screen.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static struct {
	bool open, keys; /* keys: standard input is a terminal as well */
	struct termios before;
	int wake[2]; /* a signal writes, screen_key() reads: none is lost between two looks */
} screen = {.wake = {-1, -1}};

static void wake(int signal_number)
{
	char byte = signal_number == SIGWINCH ? 'w' : 'q';
	int saved_errno = errno;

	/* A pipe that is full has woken it already. */
	if (write(screen.wake[1], &byte, 1) != 1)
		errno = saved_errno;
	errno = saved_errno;
}

static void listen_to(int signal_number)
{
	struct sigaction action = {.sa_handler = wake};

	sigemptyset(&action.sa_mask);
	sigaction(signal_number, &action, NULL);
}

static void take_keys(void)
{
	struct termios raw;

	screen.keys = tcgetattr(STDIN_FILENO, &screen.before) == 0;
	if (!screen.keys)
		return;
	raw = screen.before;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
}

bool screen_open(void)
{
	if (!isatty(STDOUT_FILENO) || pipe(screen.wake) != 0)
		return false;
	listen_to(SIGWINCH);
	listen_to(SIGINT);
	listen_to(SIGTERM);
	listen_to(SIGHUP);
	take_keys();
	screen.open = true;
	/* The other screen, without a cursor, and lines that are cut off instead of wrapped. */
	fputs("\033[?1049h\033[?25l\033[?7l", stdout);
	return true;
}

void screen_close(void)
{
	if (!screen.open)
		return;
	fputs("\033[?7h\033[?25h\033[?1049l", stdout);
	fflush(stdout);
	if (screen.keys)
		tcsetattr(STDIN_FILENO, TCSANOW, &screen.before);
	screen.open = false;
}

void screen_size(int *columns, int *lines)
{
	struct winsize size = {0};

	ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	*columns = size.ws_col != 0 ? size.ws_col : 80;
	*lines = size.ws_row != 0 ? size.ws_row : 24;
}

void screen_home(void)
{
	fputs("\033[H", stdout);
}

void screen_line_end(void)
{
	fputs("\033[K\r\n", stdout);
}

void screen_done(void)
{
	fputs("\033[J", stdout);
	fflush(stdout);
}

/* End of input is no key: a terminal that is gone sends SIGHUP as well. */
static int read_key(int fd)
{
	char key = 0;

	if (read(fd, &key, 1) != 1)
		return fd == STDIN_FILENO ? 'q' : 0;
	return key == 'w' && fd != STDIN_FILENO ? 0 : key;
}

int screen_key(double seconds)
{
	struct pollfd from[2] = {{.fd = screen.wake[0], .events = POLLIN},
				 {.fd = screen.keys ? STDIN_FILENO : -1, .events = POLLIN}};

	if (poll(from, 2, (int)(seconds * 1000)) <= 0)
		return 0;
	for (int i = 0; i < 2; i++)
		if (from[i].revents != 0)
			return read_key(from[i].fd);
	return 0;
}
