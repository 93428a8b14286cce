// Tokens to a syntax tree, by Jinja's grammar. What the grammar has and chat templates do not use
// (inheritance, imports, call blocks, recursive loops, argument unpacking, some filters and tests)
// is refused by name.
#pragma once

#include <string_view>

#include "text/jinja/ast.h"
#include "text/jinja/lexer.h"

namespace distill::jinja {

/// Throws SyntaxFault.
TemplateTree parse_template(std::string_view source);

}  // namespace distill::jinja
