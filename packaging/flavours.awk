# SPDX-License-Identifier: BSD-2-Clause
# flavours.awk - of packaging/allocators, with -v base=libzmalloc1 or libzmalloc: NAME:PACKAGE:SAYS of each
# allocator in their order, SAYS being what zmalloc_allocator() begins with. That of the first is the machine's
# wherever nobody chose another.
/^#/ { next }
{
	package = $1
	gsub("_", "-", package)
	print $1 ":" base (seen++ ? "-" package : "") ":" $2 "-"
}
