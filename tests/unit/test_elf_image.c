// SPDX-License-Identifier: GPL-2.0-or-later
/* user/target/elf_image.c: what was put in is what libelf reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <gelf.h>

#include "../../user/target/elf_image.h"

static void assert_section(Elf *elf, size_t index, const struct elf_image_section *wanted)
{
	Elf_Scn *section = elf_getscn(elf, index);
	Elf_Data *data = elf_getdata(section, NULL);
	size_t names;
	GElf_Shdr h;

	assert_int_equal(elf_getshdrstrndx(elf, &names), 0);
	assert_non_null(gelf_getshdr(section, &h));
	assert_string_equal(elf_strptr(elf, names, h.sh_name), wanted->name);
	assert_int_equal(h.sh_addr, wanted->address);
	assert_int_equal(h.sh_size, wanted->size);
	if (wanted->size)
		assert_memory_equal(data->d_buf, wanted->bytes, wanted->size);
}

static void elf_image_new__sections__read_by_libelf(void **state)
{
	static const struct elf_image_section sections[] = {
		{.name = ".first", .bytes = "12345", .size = 5, .address = 0x1000},
		{.name = ".none"},
		{.name = ".third", .bytes = "abc", .size = 3},
	};

	(void)state;
	elf_version(EV_CURRENT);
	for (size_t count = 0; count <= 3; count++) {
		size_t size = 0, found = 0;
		char *image = elf_image_new(sections, count, &size);
		Elf *elf = elf_memory(image, size);

		assert_non_null(elf);
		assert_int_equal(elf_getshdrnum(elf, &found), 0);
		assert_int_equal(found, count + 2);
		for (size_t i = 0; i < count; i++)
			assert_section(elf, i + 1, &sections[i]);
		elf_end(elf);
		free(image);
	}
}

static void elf_image_new__too_many__none(void **state)
{
	struct elf_image_section sections[ELF_IMAGE_SECTIONS_MAX + 1];
	size_t size;
	void *image;

	(void)state;
	for (size_t i = 0; i <= ELF_IMAGE_SECTIONS_MAX; i++)
		sections[i] = (struct elf_image_section){.name = ".x"};
	image = elf_image_new(sections, ELF_IMAGE_SECTIONS_MAX, &size);
	assert_non_null(image);
	free(image);
	assert_null(elf_image_new(sections, ELF_IMAGE_SECTIONS_MAX + 1, &size));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(elf_image_new__sections__read_by_libelf),
		cmocka_unit_test(elf_image_new__too_many__none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
