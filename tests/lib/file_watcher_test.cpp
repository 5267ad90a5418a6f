// SPDX-License-Identifier: MIT
#include "spawning/file_watcher.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>

#include "spawning/unique_fd.hpp"
#include "support/run_until.hpp"
#include "support/temporary_directory.hpp"
#include "watch/directory_watches.hpp"

namespace spawning {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using test::run_until, test::TemporaryDirectory;

using Paths = std::vector<std::string>;

void write(const std::string& path, const std::string& text) { std::ofstream{path} << text; }

// What an editor does that saves into a new file.
void replace(const std::string& path, const std::string& text) {
  write(path + ".new", text);
  fs::rename(path + ".new", path);
}

// The same content and size at another time.
void touch(const std::string& path) {
  const std::array<timespec, 2> times{{{0, UTIME_OMIT}, {1'000'000'000, 0}}};
  ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times.data(), 0), 0);
}

class FileWatcherFixture : public ::testing::Test {
 protected:
  void watch(const Paths& paths, FileWatcherOptions options = {}) {
    options.quiet = 20ms;
    watcher_.emplace(
        context_, [this](const Paths& changed) { reports_.push_back(changed); }, log_, options);
    watcher_->add(paths);
  }

  // The next report; {} if none comes.
  Paths next() {
    const std::size_t before = reports_.size();
    if (!run_until(context_, [&] { return reports_.size() > before; })) return {};
    return reports_.back();
  }

  // Whether a change of `sentinel`, which is watched, is the only thing that is told: what
  // happened before would have been told before it, or with it.
  bool only_tells_of(const std::string& sentinel) {
    write(sentinel, "a sentinel's " + std::to_string(++sentinels_));
    return next() == Paths{sentinel};
  }

  std::string logged() const {
    std::string text(4096, '\0');
    const ssize_t length = ::pread(log_file_.get(), text.data(), text.size(), 0);
    text.resize(length < 0 ? 0 : static_cast<std::size_t>(length));
    return text;
  }

  TemporaryDirectory directory_;
  UniqueFd log_file_{::memfd_create("log", MFD_CLOEXEC)};
  Log log_{log_file_.get(), "watcher"};
  IoContext context_{1};
  std::vector<Paths> reports_;
  std::optional<FileWatcher> watcher_;
  int sentinels_ = 0;
};

// Everything by inotify and by polling.
class FileWatcherTest : public FileWatcherFixture, public ::testing::WithParamInterface<bool> {
 protected:
  void watch(const Paths& paths) {
    FileWatcherOptions options;
    if (GetParam()) options.poll = 10ms;
    FileWatcherFixture::watch(paths, options);
    ASSERT_EQ(watcher_->polls(), GetParam());
  }

  void TearDown() override { EXPECT_EQ(logged(), ""); }

  const std::string file_ = directory_ / "views.py";
};

INSTANTIATE_TEST_SUITE_P(Everywhere, FileWatcherTest, ::testing::Values(false, true),
                         [](const auto& test) { return test.param ? "Polling" : "Inotify"; });

TEST_P(FileWatcherTest, TellsOfAFileThatIsWrittenInPlace) {
  write(file_, "old");
  watch({file_});

  write(file_, "newer");

  EXPECT_EQ(next(), Paths{file_});
}

TEST_P(FileWatcherTest, TellsOfAFileThatIsReplacedByRename) {
  write(file_, "old");
  watch({file_});

  for (const char* text : {"new", "one", "two"}) {
    replace(file_, text);
    EXPECT_EQ(next(), Paths{file_});
  }
}

TEST_P(FileWatcherTest, TellsOfAFileThatAnEditorMovesAwayAndWritesAnew) {
  write(file_, "old");
  watch({file_});

  fs::rename(file_, file_ + "~");
  write(file_, "new");

  EXPECT_EQ(next(), Paths{file_});
}

TEST_P(FileWatcherTest, GoesOnForAnotherOneAndTellsOnlyOfWhatThatOneCouldNot) {
  const std::string gone = directory_ / "gone.py", folder = directory_ / "templates";
  fs::create_directory(folder);
  for (const std::string& each : {file_, gone, folder + "/same", folder + "/changed"})
    write(each, "old");
  watch({file_, gone, folder});
  write(file_, "newer");
  ASSERT_EQ(next(), Paths{file_});
  const auto remains = watcher_->remains();
  watcher_.reset();
  fs::remove(gone);
  write(folder + "/new", "new");
  write(folder + "/changed", "newer");

  watch({});
  watcher_->go_on_from(remains);

  EXPECT_EQ(next(), (Paths{gone, folder + "/changed", folder + "/new"}));
  write(file_, "newest");
  EXPECT_EQ(next(), Paths{file_});
}

TEST_P(FileWatcherTest, TellsOfWhatAnotherOneWasAboutToTell) {
  write(file_, "old");
  watch({file_});
  auto remains = watcher_->remains();
  remains.changed = {file_};

  watch({});
  watcher_->go_on_from(remains);

  EXPECT_EQ(next(), Paths{file_});
}

TEST_P(FileWatcherTest, TellsOfAFileThatVanishesAndOfItsReturn) {
  write(file_, "old");
  watch({file_});

  fs::remove(file_);
  EXPECT_EQ(next(), Paths{file_});
  write(file_, "new");
  EXPECT_EQ(next(), Paths{file_});
}

TEST_P(FileWatcherTest, TellsOfAFileThatAppearsAlongWithItsDirectories) {
  const std::string path = directory_ / "not/yet/there.py";
  write(file_, "");
  watch({path, file_});

  fs::create_directories(directory_ / "not/yet");
  EXPECT_TRUE(only_tells_of(file_));
  write(path, "now");

  EXPECT_EQ(next(), Paths{path});
}

TEST_P(FileWatcherTest, TellsOfAFileWhoseDirectoryIsReplaced) {
  fs::create_directories(directory_ / "app");
  fs::create_directories(directory_ / "app.new");
  write(directory_ / "app/views.py", "old");
  write(directory_ / "app.new/views.py", "new");
  watch({directory_ / "app/views.py"});

  fs::rename(directory_ / "app", directory_ / "app.old");
  fs::rename(directory_ / "app.new", directory_ / "app");
  EXPECT_EQ(next(), Paths{directory_ / "app/views.py"});
  write(directory_ / "app/views.py", "newer");
  EXPECT_EQ(next(), Paths{directory_ / "app/views.py"});
}

TEST_P(FileWatcherTest, TellsOfATouchButNotOfAReadOrOfPermissions) {
  const std::string other = directory_ / "sentinel";
  write(file_, "old");
  write(other, "");
  watch({file_, other});

  std::ifstream stream{file_};
  EXPECT_EQ((std::string{std::istreambuf_iterator<char>{stream}, {}}), "old");
  fs::permissions(file_, fs::perms::owner_all);
  EXPECT_TRUE(only_tells_of(other));
  touch(file_);

  EXPECT_EQ(next(), Paths{file_});
}

TEST_P(FileWatcherTest, FollowsASymlinkThatIsTurnedElsewhere) {
  for (const char* release : {"41", "42"}) {
    fs::create_directories(directory_ / ("releases/" + std::string{release}));
    write(directory_ / ("releases/" + std::string{release} + "/app.py"), release);
  }
  fs::create_directory_symlink("releases/41", directory_ / "current");
  const std::string path = directory_ / "current/app.py";
  watch({path});

  fs::create_directory_symlink("releases/42", directory_ / "next");
  fs::rename(directory_ / "next", directory_ / "current");
  EXPECT_EQ(next(), Paths{path});
  write(directory_ / "releases/42/app.py", "42.1");
  EXPECT_EQ(next(), Paths{path});
}

TEST_P(FileWatcherTest, TellsOfADirectorySymlinkThatIsTurnedEvenIfTheFilesAreTheSame) {
  fs::create_directories(directory_ / "41");
  fs::create_directories(directory_ / "42");
  write(directory_ / "41/app.py", "the same");
  fs::create_hard_link(directory_ / "41/app.py", directory_ / "42/app.py");
  fs::create_directory_symlink("41", directory_ / "current");
  watch({directory_ / "current"});

  fs::remove(directory_ / "current");
  fs::create_directory_symlink("42", directory_ / "current");

  EXPECT_EQ(next(), Paths{directory_ / "current"});
}

TEST_P(FileWatcherTest, IsNotCaughtByASymlinkToItself) {
  fs::create_directory_symlink("loop", directory_ / "loop");
  write(file_, "");
  watch({directory_ / "loop/app.py", file_});

  EXPECT_TRUE(only_tells_of(file_));
}

TEST_P(FileWatcherTest, TellsOfEveryFileInADirectoryAndBelow) {
  const std::string root = directory_ / "app", deep = directory_ / "app/templates/shop";
  fs::create_directories(deep);
  fs::create_directory_symlink(root, deep + "/up");  // round and round
  write(root + "/views.py", "");
  write(deep + "/list.html", "");
  watch({root});

  write(deep + "/list.html", "a list");
  EXPECT_EQ(next(), Paths{deep + "/list.html"});
  write(deep + "/new.html", "");
  EXPECT_EQ(next(), Paths{deep + "/new.html"});
  fs::remove(root + "/views.py");
  EXPECT_EQ(next(), Paths{root + "/views.py"});
  fs::create_directories(root + "/models");
  write(root + "/models/item.py", "");
  EXPECT_EQ(next(), Paths{root + "/models/item.py"});
  write(root + "/models/item.py", "class Item: pass");
  EXPECT_EQ(next(), Paths{root + "/models/item.py"});
}

TEST_P(FileWatcherTest, PassesOverHiddenFilesCachesAndWhatEditorsLeave) {
  write(file_, "");
  fs::create_directories(directory_ / "__pycache__");
  fs::create_directories(directory_ / ".git");
  watch({directory_.path()});

  for (const char* name :
       {"__pycache__/views.pyc", ".git/index", ".views.py.swp", "views.py~", "#views.py#"}) {
    write(directory_ / name, "");
  }
  ASSERT_EQ(::mkfifo((directory_ / "fifo").c_str(), 0600), 0);

  EXPECT_TRUE(only_tells_of(file_));
}

TEST_P(FileWatcherTest, TellsOfABurstOnce) {
  Paths files;
  for (char name = 'a'; name < 'k'; ++name) files.push_back(directory_ / std::string{name});
  for (const std::string& file : files) write(file, "");
  watch(files);

  for (int i = 0; i < 5; ++i) {
    for (const std::string& file : files) write(file, std::to_string(i));
  }

  EXPECT_EQ(next(), files);
  EXPECT_TRUE(only_tells_of(files.front()));
}

TEST_P(FileWatcherTest, TellsOfChangesThatNeverCease) {
  write(file_, "");
  FileWatcherOptions options;
  options.longest_wait = 100ms;
  if (GetParam()) options.poll = 10ms;
  FileWatcherFixture::watch({file_}, options);

  std::string text;
  EXPECT_TRUE(run_until(context_, [&] {
    write(file_, text += '.');
    return !reports_.empty();
  }));
}

TEST_P(FileWatcherTest, TakesMoreFilesAtAnyTime) {
  const std::string later = directory_ / "later.py";
  write(file_, "");
  write(later, "");
  watch({file_});

  write(later, "not watched yet");
  EXPECT_TRUE(only_tells_of(file_));
  watcher_->add({later, file_});
  EXPECT_TRUE(only_tells_of(file_));
  write(later, "watched");

  EXPECT_EQ(next(), Paths{later});
}

TEST_P(FileWatcherTest, TellsOfFilesThatWereModifiedSinceTheyWereRead) {
  const auto before = std::chrono::system_clock::now() - 1h;
  const std::string old = directory_ / "old.py";
  write(file_, "");
  write(old, "");
  touch(old);
  watch({});

  watcher_->add({file_, old, directory_ / "absent"}, before);
  EXPECT_EQ(next(), Paths{file_});
  watcher_->add({file_, old}, before);
  EXPECT_TRUE(only_tells_of(file_));
}

TEST_P(FileWatcherTest, MayBeDestroyedByItsCallback) {
  write(file_, "");
  FileWatcherOptions options;
  options.quiet = 20ms;
  if (GetParam()) options.poll = 10ms;
  watcher_.emplace(
      context_, [this](const Paths&) { watcher_.reset(); }, log_, options);
  watcher_->add({file_});

  write(file_, "new");

  EXPECT_TRUE(run_until(context_, [&] { return !watcher_; }));
  context_.restart();
  context_.run();  // nothing is left that would keep it from ending
}

// --- where inotify cannot work

class NoMoreDescriptors {
 public:
  NoMoreDescriptors() {
    EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &before_), 0);
    const rlimit none{0, before_.rlim_max};
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  }
  ~NoMoreDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  NoMoreDescriptors(const NoMoreDescriptors&) = delete;
  NoMoreDescriptors& operator=(const NoMoreDescriptors&) = delete;

 private:
  rlimit before_{};
};

using FileWatcherWithoutInotifyTest = FileWatcherFixture;

TEST_F(FileWatcherWithoutInotifyTest, PollsAndSaysSoWhenTheSystemHasNoneLeft) {
  const std::string file = directory_ / "views.py";
  write(file, "old");
  watch({});  // so that the loop has all that it needs
  {
    const NoMoreDescriptors none;
    watch({file});
  }

  EXPECT_TRUE(watcher_->polls());
  EXPECT_NE(logged().find("[warning] watcher: inotify cannot watch the files (inotify: Too many "
                          "open files): they are looked at every 1000 ms; the sysctls "),
            std::string::npos)
      << logged();
  write(file, "newer");
  EXPECT_EQ(next(), Paths{file});
}

TEST(DirectoryWatchesTest, KnowsFileSystemsThatOtherMachinesWriteTo) {
  EXPECT_TRUE(is_remote(0x6969));                        // NFS
  EXPECT_TRUE(is_remote(static_cast<int>(0xFF534D42)));  // CIFS, as where long is short
  EXPECT_FALSE(is_remote(0xEF53));                       // ext4
  EXPECT_FALSE(is_remote(0x794C7630));                   // overlayfs
  EXPECT_FALSE(is_remote(0x01021994));                   // tmpfs
}

}  // namespace
}  // namespace spawning
