// Commands that a person can paste into a shell.
#pragma once

#include <string>

namespace distill::app {

/// As a shell reads it: quoted where a character could mean something.
std::string in_shell_quotes(const std::string& text);

}  // namespace distill::app
