/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What C++ programs do all day, "run COUNT" times, each answered by "done": words into a map of vectors of strings, a hash
 * table, a list that is sorted, and all of it is destroyed.
 */
#include <cstdio>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <unistd.h>
#include <vector>

struct Record {
	std::string name;
	std::vector<int> values;
};

static unsigned long total;

static void once(unsigned int seed)
{
	std::map<std::string, std::vector<std::string>> by_word;
	std::unordered_map<int, std::unique_ptr<Record>> records;
	std::list<std::string> names;

	for (unsigned int i = 0; i < 200; i++) {
		std::string word = "a word that is not short: " + std::to_string((seed + i * 7) % 53);

		by_word[word].push_back(word + " and more of it");
		records[int(i)].reset(new Record{word, std::vector<int>(i % 40)});
		names.push_back(std::move(word));
	}
	names.sort();
	for (unsigned int i = 0; i < 200; i += 2)
		records.erase(int(i));
	total += by_word.size() + records.size() + names.front().size();
}

int main()
{
	static char line[64];
	unsigned int count;

	std::printf("ready %d\n", int(getpid()));
	std::fflush(stdout);
	while (std::fgets(line, sizeof(line), stdin)) {
		if (std::sscanf(line, "run %u", &count) != 1)
			continue;
		for (unsigned int i = 0; i < count; i++)
			once(i);
		std::printf("done %lu\n", total);
		std::fflush(stdout);
	}
	return 0;
}
