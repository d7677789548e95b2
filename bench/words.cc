// SPDX-License-Identifier: BSD-2-Clause
//
// bench/words.cc - a C++ program that does little but allocate: maps of strings, and vectors that grow.

#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <vector>

int main()
{
	std::size_t total = 0;

	for (int round = 0; round < 8; round++) {
		std::map<int, std::string> words;
		std::vector<std::unique_ptr<std::string>> list;
		unsigned dice = 1;

		for (int i = 0; i < 100000; i++) {
			dice = dice * 1664525 + 1013904223;
			words[static_cast<int>(dice >> 12) % 20000] = std::string(dice >> 26, 'x') + "0123456789abcdef";
			if (i % 4 == 0)
				list.push_back(std::make_unique<std::string>(dice >> 25, 'y'));
		}
		total += words.size() + list.size();
	}
	std::printf("%zu\n", total);
	return 0;
}
