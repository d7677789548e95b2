# SPDX-License-Identifier: BSD-2-Clause
# flavours.awk - of packaging/allocators: PACKAGE:SAYS of each allocator, PACKAGE being what its package adds
# to the name libzmalloc1, and SAYS what zmalloc_allocator() begins with. That of libzmalloc1 is at the
# end, so that whoever goes through all is back where installing began.
/^#/ { next }
{ gsub("_", "-", $1) }
last == "" { last = ":" $2 "-"; next }
{ print $1 ":" $2 "-" }
END { print last }
