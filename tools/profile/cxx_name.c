/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/profile/cxx_name.c - by __cxa_demangle() of whichever C++ library is there: the program that is looked at has
 * one, and this tool needs none for anything else.
 *
 * https://itanium-cxx-abi.github.io/cxx-abi/abi.html#demangler
 *
 * A symbol is whatever is in somebody's file, and one of 300 characters may stand for a name of terabytes, or have
 * the function that reads it call itself too often. So it is read by a process of its own, which may take so much
 * time and no more; what ends it has no name.
 */
#include "tools/profile/cxx_name.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	TEXT_BYTES = 65536,
	READ_USEC = 100000, /* of the processor's time; most take a few */
	READERS_MOST = 10
};

typedef char *demangle_function(const char *symbol, char *buffer, size_t *length, int *status);

static demangle_function *find_demangle(void)
{
	static const char *const libraries[] = {"libstdc++.so.6", "libc++abi.so.1",
						"libc++abi.dylib"};

	for (size_t i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++) {
		void *library = dlopen(libraries[i], RTLD_LAZY);
		void *found = library != NULL ? dlsym(library, "__cxa_demangle") : NULL;
		demangle_function *demangle;

		memcpy(&demangle, &found, sizeof(demangle));
		if (demangle != NULL)
			return demangle;
	}
	return NULL;
}

/* Where the list of parameters begins that the bracket at `end` closes; NULL: nowhere. */
static char *opening_of(char *name, size_t end)
{
	size_t depth = 0;

	for (size_t at = end + 1; at-- > 0;) {
		depth += name[at] == ')';
		depth -= name[at] == '(';
		if (depth == 0)
			return &name[at];
	}
	return NULL;
}

static bool ends_with(const char *text, size_t length, const char *end)
{
	size_t size = strlen(end);

	return length >= size && memcmp(text + length - size, end, size) == 0;
}

/*
 * Of "shop::find(int) const [clone .isra.0]" shop::find is left. The first brackets of "operator()" are a part of its
 * name, and what comes behind the parameters of one function may be another one that is inside it.
 */
static void drop_parameters(char *name)
{
	char *clone = strstr(name, " [clone "), *end, *begin;

	if (clone != NULL)
		*clone = '\0';
	end = strrchr(name, ')');
	if (end == NULL || strstr(end, "::") != NULL)
		return;
	begin = opening_of(name, (size_t)(end - name));
	if (begin != NULL && begin != name && !ends_with(name, (size_t)(begin - name), "operator"))
		*begin = '\0';
}

/* Of a template's function the symbol has what it returns as well: "void* shop::find<int>". */
static void drop_result(char *name)
{
	char *begin = name;
	int depth = 0;

	if (strstr(name, "operator") != NULL)
		return;
	for (char *at = name; *at != '\0'; at++) {
		depth += *at == '<' || *at == '(';
		depth -= *at == '>' || *at == ')';
		if (*at == ' ' && depth == 0)
			begin = at + 1;
	}
	memmove(name, begin, strlen(begin) + 1);
}

/* ---- The process that reads ---- */

static void put_limits(void)
{
	const struct rlimit none = {0, 0};

	setrlimit(RLIMIT_CORE, &none);
	signal(SIGPROF, SIG_DFL);
	/* Who ends a profile by ^C still wants names. */
	signal(SIGINT, SIG_IGN);
}

static void begin_time(void)
{
	const struct itimerval time = {.it_value = {.tv_usec = READ_USEC}};

	setitimer(ITIMER_PROF, &time, NULL);
}

/* No name is an empty one. It ends with the tool, as nobody else has the other end. */
static void serve(int fd)
{
	static char symbol[TEXT_BYTES];
	demangle_function *demangle = find_demangle();

	put_limits();
	while (recv(fd, symbol, sizeof(symbol), 0) > 0) {
		char *name;

		begin_time();
		name = demangle != NULL ? demangle(symbol, NULL, NULL, NULL) : NULL;
		if (name != NULL) {
			drop_parameters(name);
			drop_result(name);
		}
		if (name != NULL && strlen(name) < TEXT_BYTES)
			send(fd, name, strlen(name) + 1, MSG_NOSIGNAL);
		else
			send(fd, "", 1, MSG_NOSIGNAL);
		free(name);
	}
	_exit(EXIT_SUCCESS);
}

/* ---- The tool ---- */

static struct {
	pid_t pid; /* 0: there is none */
	int fd;
	int begun;
} reader;

static bool begin_reader(void)
{
	int fd[2];

	if (reader.pid != 0)
		return true;
	if (reader.begun == READERS_MOST)
		return false;
	reader.begun++;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd) != 0)
		return false;
	reader.pid = fork();
	if (reader.pid == 0) {
		close(fd[0]);
		serve(fd[1]);
	}
	close(fd[1]);
	reader.fd = fd[0];
	fcntl(reader.fd, F_SETFD, FD_CLOEXEC);
	if (reader.pid > 0)
		return true;
	close(reader.fd);
	reader.pid = 0;
	return false;
}

static void end_reader(void)
{
	close(reader.fd);
	kill(reader.pid, SIGKILL);
	while (waitpid(reader.pid, NULL, 0) < 0 && errno == EINTR)
		;
	reader.pid = 0;
}

/* The bytes of the answer; 0: none came. */
static size_t ask(const char *symbol, size_t bytes, char name[TEXT_BYTES])
{
	ssize_t got = -1;

	if (send(reader.fd, symbol, bytes, MSG_NOSIGNAL) == (ssize_t)bytes)
		while ((got = recv(reader.fd, name, TEXT_BYTES, 0)) < 0 && errno == EINTR)
			;
	return got > 0 ? (size_t)got : 0;
}

char *cxx_name(const char *symbol)
{
	static char name[TEXT_BYTES];
	size_t bytes;

	if (symbol == NULL || strncmp(symbol, "_Z", 2) != 0)
		return NULL;
	bytes = strlen(symbol) + 1;
	if (bytes > TEXT_BYTES || !begin_reader())
		return NULL;
	if (ask(symbol, bytes, name) == 0) {
		end_reader();
		return NULL;
	}
	return *name != '\0' ? strdup(name) : NULL;
}
