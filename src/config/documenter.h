// The backend that collects what there is to say about every field, and two ways to print it.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "config/section_backend.h"

namespace distill {

/// A mapping and its keys.
struct DocumentedSection {
  struct Row {
    std::string key;
    std::string type;
    std::string default_text;  ///< "required" where there is none
    std::string help;
  };
  std::string path;        ///< list indices are written as N
  std::string entry = {};  ///< the `type` whose keys these are, or empty
  std::string help = {};
  size_t depth = 0;
  std::vector<Row> rows = {};
};

/// Every mapping that `fields` visits, those around it first.
std::deque<DocumentedSection> document(const std::function<void(Section&)>& fields);

/// The paths of all keys.
std::vector<std::string> schema_paths(const std::function<void(Section&)>& fields);

}  // namespace distill
