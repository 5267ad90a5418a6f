// SPDX-License-Identifier: MIT
// Values become JSON, and JSON values: each by what remains_fields.hpp says of it.
#include "supervise/supervisor_remains.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <concepts>
#include <type_traits>
#include <utility>

#include "spawning/error.hpp"
#include "supervise/archived_types.hpp"
#include "supervise/remains_fields.hpp"

namespace spawning {
namespace {

namespace json = boost::json;

// Counts changes of what is written. Who changes it in a way that the reader below would not
// understand goes on reading what older programs write: they are the ones that are replaced.
constexpr int kVersion = 1;

// What an ArchiveReader reads is not what an ArchiveWriter of the same description wrote.
class ArchiveError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Writes the members of one value.
class ArchiveWriter {
 public:
  // \param descriptors  gets those that the value owns.
  explicit ArchiveWriter(std::vector<int>& descriptors) : descriptors_{descriptors} {}

  template <typename T>
  ArchiveWriter& operator()(std::string_view name, const T& value) {
    object_[json::string_view{name.data(), name.size()}] = write(value);
    return *this;
  }

  // A member that older programs do not know.
  template <typename T>
  ArchiveWriter& newer(std::string_view name, const T& value) {
    return (*this)(name, value);
  }

  // An open descriptor, or -1.
  ArchiveWriter& descriptor(std::string_view name, int fd) {
    if (fd >= 0) descriptors_.push_back(fd);
    return (*this)(name, fd);
  }
  ArchiveWriter& descriptors(std::string_view name, const std::vector<int>& all) {
    for (int fd : all) {
      if (fd >= 0) descriptors_.push_back(fd);
    }
    return (*this)(name, all);
  }

  [[nodiscard]] json::object take() { return std::move(object_); }

 private:
  template <typename T>
  json::value write(const T& value) {
    if constexpr (std::is_enum_v<T>) {
      return write(static_cast<std::underlying_type_t<T>>(value));
    } else if constexpr (std::is_integral_v<T>) {
      return value;
    } else if constexpr (std::same_as<T, std::string>) {
      return json::string(value.data(), value.size());
    } else if constexpr (archived::Duration<T>) {
      return value.count();
    } else if constexpr (archived::TimePoint<T>) {
      return write(value.time_since_epoch());
    } else if constexpr (archived::Optional<T>) {
      return value ? write(*value) : json::value{};
    } else if constexpr (archived::Map<T>) {
      json::array array;
      for (const auto& [key, each] : value) array.push_back(json::array{write(key), write(each)});
      return array;
    } else if constexpr (archived::Sequence<T> || archived::Set<T> || archived::Array<T>) {
      json::array array;
      for (const auto& each : value) array.push_back(write(each));
      return array;
    } else {
      ArchiveWriter members{descriptors_};
      archived::visit(members, value);
      return members.take();
    }
  }

  json::object object_;
  std::vector<int>& descriptors_;
};

// Reads the members of one value. Members that it is not asked for are ignored; an optional one may
// be missing, as it is where an older program has written.
class ArchiveReader {
 public:
  // \param descriptors  gets those that the value owns. \throws ArchiveError
  ArchiveReader(const json::value& value, std::vector<int>& descriptors)
      : object_{value.if_object()}, descriptors_{descriptors} {
    if (object_ == nullptr) throw ArchiveError{"an object is missing"};
  }

  // \throws ArchiveError
  template <typename T>
  ArchiveReader& operator()(std::string_view name, T& value) {
    const auto* found = object_->if_contains({name.data(), name.size()});
    if constexpr (archived::Optional<T>) {
      value.reset();
      if (found == nullptr) return *this;
    }
    if (found == nullptr) throw ArchiveError{"\"" + std::string{name} + "\" is missing"};
    name_ = name;
    read(*found, value);
    return *this;
  }
  // Stays as it is if an older program has not written it. \throws ArchiveError
  template <typename T>
  ArchiveReader& newer(std::string_view name, T& value) {
    return object_->contains({name.data(), name.size()}) ? (*this)(name, value) : *this;
  }

  ArchiveReader& descriptor(std::string_view name, int& fd) {
    (*this)(name, fd);
    if (fd >= 0) descriptors_.push_back(fd);
    return *this;
  }
  ArchiveReader& descriptors(std::string_view name, std::vector<int>& all) {
    (*this)(name, all);
    for (int fd : all) {
      if (fd >= 0) descriptors_.push_back(fd);
    }
    return *this;
  }

 private:
  template <typename T>
  void read(const json::value& from, T& value) {
    if constexpr (std::is_enum_v<T>) {
      std::underlying_type_t<T> number{};
      read(from, number);
      value = static_cast<T>(number);
    } else if constexpr (std::same_as<T, bool>) {
      if (!from.is_bool()) fail();
      value = from.get_bool();
    } else if constexpr (std::is_integral_v<T>) {
      boost::system::error_code error;
      value = from.to_number<T>(error);
      if (error) fail();
    } else if constexpr (std::same_as<T, std::string>) {
      if (!from.is_string()) fail();
      value = std::string{from.get_string()};
    } else if constexpr (archived::Duration<T>) {
      typename T::rep count{};
      read(from, count);
      value = T{count};
    } else if constexpr (archived::TimePoint<T>) {
      typename T::duration since{};
      read(from, since);
      value = T{since};
    } else if constexpr (archived::Optional<T>) {
      value.reset();
      if (!from.is_null()) read(from, value.emplace());
    } else if constexpr (archived::Map<T>) {
      read_map(from, value);
    } else if constexpr (archived::Set<T>) {
      value.clear();
      for (const auto& each : elements(from)) {
        typename T::key_type key{};
        read(each, key);
        value.insert(std::move(key));
      }
    } else if constexpr (archived::Array<T>) {
      if (elements(from).size() != value.size()) fail();
      for (std::size_t i = 0; i < value.size(); ++i) read(elements(from)[i], value[i]);
    } else if constexpr (archived::Sequence<T>) {
      value.clear();
      for (const auto& each : elements(from)) read(each, value.emplace_back());
    } else {
      ArchiveReader members{from, descriptors_};
      archived::visit(members, value);
    }
  }

  template <typename T>
  void read_map(const json::value& from, T& value) {
    value.clear();
    for (const auto& each : elements(from)) {
      if (elements(each).size() != 2) fail();
      typename T::key_type key{};
      read(elements(each)[0], key);
      read(elements(each)[1], value[std::move(key)]);
    }
  }

  [[nodiscard]] const json::array& elements(const json::value& from) const {
    if (!from.is_array()) fail();
    return from.get_array();
  }

  [[noreturn]] void fail() const {
    throw ArchiveError{"\"" + std::string{name_} + "\" is not what was expected"};
  }

  const json::object* object_;
  std::vector<int>& descriptors_;
  std::string_view name_;
};

}  // namespace

WrittenRemains write_remains(const SupervisorRemains& remains) {
  WrittenRemains written;
  ArchiveWriter archive{written.descriptors};
  archive("version", kVersion);
  describe(archive, remains);
  written.scoreboard = remains.scoreboard;
  written.text = json::serialize(archive.take());
  return written;
}

SupervisorRemains read_remains(std::string_view text, std::vector<int>* descriptors) {
  json::parse_options options;
  options.allow_invalid_utf8 = true;
  boost::system::error_code error;
  const json::value value = json::parse({text.data(), text.size()}, error, {}, options);
  if (error) throw StartupError{"what the supervisor left is not JSON"};
  std::vector<int> unused;
  SupervisorRemains remains;
  try {
    ArchiveReader archive{value, descriptors == nullptr ? unused : *descriptors};
    int version = 0;
    archive("version", version);
    if (version < 1 || version > kVersion) {
      throw StartupError{"the supervisor writes version " + std::to_string(version) +
                         " of what it leaves; expected at most " + std::to_string(kVersion)};
    }
    describe(archive, remains);
  } catch (const ArchiveError& wrong) {
    throw StartupError{"in what the supervisor left, " + std::string{wrong.what()}};
  }
  return remains;
}

}  // namespace spawning
