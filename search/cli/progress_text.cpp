#include "search/cli/progress_text.hpp"

#include "search/cli/print.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <vector>

namespace lathe::cli {
namespace {

using nlohmann::json;

constexpr int kBarWidth = 20;

bool begins_character(char byte) { return (static_cast<unsigned char>(byte) & 0xc0) != 0x80; }

std::string bar_text(double share) {
  const int full = static_cast<int>(std::lround(share * kBarWidth));
  return "[" + std::string(static_cast<std::size_t>(full), '#') +
         std::string(static_cast<std::size_t>(kBarWidth - full), '.') + "] ";
}

std::int64_t whole(const json& fields, const char* key) { return fields.at(key); }
std::string word(const json& fields, const char* key) { return fields.at(key); }

std::string train_start(const json& f) {
  const std::int64_t step = whole(f, "step");
  return word(f, "space") + ": " + counted(whole(f, "weights"), "weight") + ", " +
         counted(whole(f, "train_images"), "image") + " to train on, " +
         grouped(whole(f, "validation_images")) + " to judge by, " +
         counted(whole(f, "steps_per_epoch"), "step") + " an epoch, on " + word(f, "device") +
         (step > 0 ? "; going on after step " + grouped(step) : "");
}

std::string train_phase(const json& f) {
  const std::string teacher = word(f, "teacher");
  return "phase " + word(f, "phase") + ": " + counted(whole(f, "epochs"), "epoch") +
         (whole(f, "epoch") > 0 ? ", " + grouped(whole(f, "epoch")) + " done" : "") +
         (teacher.empty() ? "" : ", taught by " + teacher) + ", down to " + word(f, "smallest");
}

std::string train_epoch(const json& f) {
  std::string line = word(f, "phase") + " " + grouped(whole(f, "epoch")) + " of " +
                     grouped(whole(f, "epochs")) + ": loss " + digits(f.at("loss"), 4);
  for (const auto& [probe, accuracy] : f.at("accuracy").items())
    line += ", " + probe + " " + percent(accuracy.get<double>());
  return line + ", " + digits(f.at("images_per_second"), 3) + " images/s";
}

std::string measure_started(const json& f) {
  const std::int64_t there = whole(f, "samples_there");
  return "measuring " + counted(whole(f, "items"), "item") + " in " +
         counted(whole(f, "rounds"), "round") + " with " + word(f, "engine") + " on " +
         word(f, "device") + (there > 0 ? "; " + counted(there, "sample") + " are there" : "");
}

std::string measure_failed(const json& f) {
  return word(f, "item") + " failed in round " + grouped(whole(f, "round")) + ": " +
         word(f, "reason");
}

std::string search_generation(const json& f) {
  const json& error = f.at("best_error");
  return "round " + grouped(whole(f, "round")) + ": " +
         counted(whole(f, "evaluations"), "network") +
         (error.is_null() ? "" : ", best accuracy " + percent(1 - error.get<double>())) +
         ", front of " + grouped(whole(f, "front")) + ", hypervolume " +
         digits(f.at("hypervolume"), 3);
}

/// What an event says to people, where it has the keys.
struct Sentence {
  std::string_view event;
  std::vector<const char*> keys;
  std::string (*text)(const json& fields);
};

std::vector<Sentence> sentences() {
  return {{"train.start",
           {"space", "weights", "train_images", "validation_images", "steps_per_epoch", "device",
            "step"},
           train_start},
          {"train.phase", {"phase", "epochs", "epoch", "smallest", "teacher"}, train_phase},
          {"train.epoch",
           {"phase", "epoch", "epochs", "loss", "accuracy", "images_per_second"},
           train_epoch},
          {"measure.started",
           {"device", "engine", "items", "rounds", "samples_there"},
           measure_started},
          {"measure.failed", {"item", "round", "reason"}, measure_failed},
          {"search.generation",
           {"round", "evaluations", "best_error", "front", "hypervolume"},
           search_generation}};
}

}  // namespace

int columns_of(const std::string& text) {
  return static_cast<int>(std::count_if(text.begin(), text.end(), begins_character));
}

std::string shortened(const std::string& text, int columns) {
  const int most = std::max(columns, 4);
  if (columns_of(text) <= most) return text;
  std::size_t end = 0;
  for (int left = most - 3; end < text.size(); ++end) {
    if (begins_character(text[end]) && left-- == 0) break;
  }
  return text.substr(0, end) + "...";
}

std::string progress_line(const Progress& progress, Micros elapsed, double done_at_start,
                          int columns, bool bar) {
  const double share =
      progress.total > 0 ? std::clamp(progress.done / progress.total, 0.0, 1.0) : 0.0;
  char percent[16];
  std::snprintf(percent, sizeof percent, "%3d%%", static_cast<int>(share * 100));
  std::string line = progress.activity + "  " + (bar ? bar_text(share) : "") + percent;
  const double gained = progress.done - done_at_start;
  if (gained > 0 && share < 1) {
    line += "  " + text_rough(elapsed * ((progress.total - progress.done) / gained)) + " left";
  }
  if (!progress.detail.empty()) line += "  " + progress.detail;
  return shortened(line, columns);
}

std::string event_line(std::string_view name, const nlohmann::json& fields) {
  if (const auto message = fields.find("message");
      message != fields.end() && message->is_string()) {
    return message->get<std::string>();
  }
  for (const Sentence& sentence : sentences()) {
    const auto has = [&](const char* key) { return fields.contains(key); };
    if (sentence.event == name && std::all_of(sentence.keys.begin(), sentence.keys.end(), has))
      return sentence.text(fields);
  }
  std::string line(name);
  std::string separator = "  ";
  for (const auto& [key, value] : fields.items()) {
    std::string shown;
    if (value.is_number_float()) {
      char number[32];
      std::snprintf(number, sizeof number, "%.4g", value.get<double>());
      shown = number;
    } else if (value.is_string()) {
      shown = value.get<std::string>();
    } else if (value.is_primitive()) {
      shown = value.dump();
    } else {
      continue;
    }
    line += separator + key + " " + shown;
    separator = ", ";
  }
  return line;
}

}  // namespace lathe::cli
