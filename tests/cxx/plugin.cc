// SPDX-License-Identifier: BSD-2-Clause
// tests/cxx/plugin.cc - a library that a C program links or opens, with C++ inside.
#include <dlfcn.h>
#include <cstddef>
#include <new>
#include <vector>

extern "C" void *plugin_new(size_t bytes);
extern "C" void plugin_delete(void *ptr);
extern "C" const char *plugin_file_of_new();

void *plugin_new(size_t bytes)
{
	return new std::vector<char>(bytes);
}

void plugin_delete(void *ptr)
{
	delete static_cast<std::vector<char> *>(ptr);
}

// The file whose operator new this library was given.
const char *plugin_file_of_new()
{
	void *(*found)(size_t) = &::operator new;
	Dl_info info;

	return dladdr(reinterpret_cast<void *>(found), &info) != 0 ? info.dli_fname : "";
}
