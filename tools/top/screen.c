/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/top/screen.c - the terminal.
 *
 * Signals are let in only where a key is waited for: none comes in the middle of a picture, and none is lost
 * before the wait. SIGTSTP would be, left to curses, which ignores it while it draws.
 */
#include "tools/top/screen.h"

#include <curses.h>
#include <errno.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <term.h>
#include <unistd.h>

static volatile sig_atomic_t has_ended, is_to_stop;
static SCREEN *screen;
static sigset_t outside; /* the signals that are blocked while a key is waited for */

static void end(int signal_number)
{
	(void)signal_number;
	has_ended = 1;
}

static void stop_soon(int signal_number)
{
	(void)signal_number;
	is_to_stop = 1;
}

static void handle(int signal_number, void (*handler)(int))
{
	struct sigaction action = {.sa_handler = handler};

	sigemptyset(&action.sa_mask);
	sigaction(signal_number, &action, NULL);
}

/* Before curses looks: it leaves alone what somebody handles. A shell without job control ignores SIGTSTP. */
static void take_signals(void)
{
	struct sigaction stopping;
	sigset_t held;

	handle(SIGINT, end);
	handle(SIGTERM, end);
	handle(SIGHUP, end);
	if (sigaction(SIGTSTP, NULL, &stopping) == 0 && stopping.sa_handler != SIG_IGN)
		handle(SIGTSTP, stop_soon);
	sigemptyset(&held);
	sigaddset(&held, SIGINT);
	sigaddset(&held, SIGTERM);
	sigaddset(&held, SIGHUP);
	sigaddset(&held, SIGTSTP);
	sigaddset(&held, SIGWINCH);
	sigprocmask(SIG_BLOCK, &held, &outside);
}

/* Give the terminal back, sleep until somebody says to go on, and take it again. */
static void stop(void)
{
	sigset_t held;

	is_to_stop = 0;
	endwin();
	handle(SIGTSTP, SIG_DFL);
	raise(SIGTSTP);
	sigprocmask(SIG_SETMASK, &outside, &held);
	sigprocmask(SIG_SETMASK, &held, NULL);
	handle(SIGTSTP, stop_soon);
	clearok(curscr, TRUE);
	refresh();
}

static bool can_move_the_cursor(void)
{
	int error;
	const char *move;
	bool can;

	if (setupterm(NULL, STDOUT_FILENO, &error) != OK)
		return false;
	move = tigetstr("cup");
	can = move != NULL && move != (char *)-1;
	del_curterm(cur_term);
	return can;
}

bool screen_open(void)
{
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) || !can_move_the_cursor())
		return false;
	take_signals();
	screen = newterm(NULL, stdout, stdin);
	if (screen == NULL) {
		sigprocmask(SIG_SETMASK, &outside, NULL);
		return false;
	}
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(50);
	curs_set(0);
	return true;
}

void screen_close(void)
{
	endwin();
	delscreen(screen);
	screen = NULL;
	sigprocmask(SIG_SETMASK, &outside, NULL);
}

/* A program that was stopped meanwhile has not heard that the size changed. */
void screen_size(int *width, int *height)
{
	struct winsize size = {0};

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row != 0 && size.ws_col != 0 &&
	    is_term_resized(size.ws_row, size.ws_col))
		resizeterm(size.ws_row, size.ws_col);
	getmaxyx(stdscr, *height, *width);
}

/* The terminal has something, and yet there is no key: it is gone. */
static int take_key(void)
{
	int key = getch();

	if (key == ERR)
		key = getch();
	if (key == KEY_RESIZE)
		return SCREEN_NOTHING;
	return key == ERR ? SCREEN_END : key;
}

int screen_key(uint64_t wait_ms)
{
	struct timespec wait = {.tv_sec = (time_t)(wait_ms / 1000),
				.tv_nsec = (long)(wait_ms % 1000) * 1000000};
	fd_set from;
	int ready;

	FD_ZERO(&from);
	FD_SET(STDIN_FILENO, &from);
	ready = pselect(STDIN_FILENO + 1, &from, NULL, NULL, &wait, &outside);
	if (is_to_stop)
		stop();
	if (has_ended)
		return SCREEN_END;
	if (ready <= 0)
		return SCREEN_NOTHING;
	return take_key();
}
