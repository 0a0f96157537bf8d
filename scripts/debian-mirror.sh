#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Prints the first Debian mirror of this machine's own apt sources, one-line and deb822 ones. Exit status 1: none.
{
	cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
		sed -n 's/^deb \(\[[^]]*\] *\)\?\([^ ]*\) .*/\2/p'
	cat /etc/apt/sources.list.d/*.sources 2>/dev/null | sed -n 's/^URIs: *\([^ ]*\).*/\1/p'
} | grep -m 1 '/debian/\?$'
