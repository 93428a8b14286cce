// How the process treats memory that it frees.
#pragma once

namespace distill {

/// Keeps freed memory for the next allocation instead of returning it to the kernel, which would
/// clear each page again: a training step frees and takes the same sizes over and over. Call
/// once what lives long has been allocated, so that it does not fragment what is reused. Does
/// nothing where the C library is not glibc.
void keep_freed_memory();

}  // namespace distill
