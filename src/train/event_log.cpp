#include "distill/train/event_log.h"

#include "distill/core/error.h"
#include "distill/core/files.h"

namespace distill {

EventLog::EventLog(std::filesystem::path path)
    : path_(std::move(path)), file_(path_, std::ios::app) {
  if (!file_) throw DataError(path_.string() + ": cannot be opened for writing");
}

void EventLog::write(const Json& event) {
  file_ << event.dump() << '\n' << std::flush;
  if (!file_) throw DataError(path_.string() + ": cannot be written");
}

void cut_events(const std::filesystem::path& path, int64_t step, bool evaluation_due) {
  if (!std::filesystem::exists(path)) return;
  const std::string content = read_file(path);
  std::string kept;
  for (size_t begin = 0; begin < content.size();) {
    const size_t end = content.find('\n', begin);
    if (end == std::string::npos) break;
    const std::string line = content.substr(begin, end - begin);
    const Json event = parse_json(line, path.string());
    const int64_t at = json_int(event, "step", path.string());
    const bool comes_again = at == step && evaluation_due && event.contains("eval_nll");
    if (at <= step && !comes_again) kept += line + '\n';
    begin = end + 1;
  }
  write_file(path, kept);
}

}  // namespace distill
