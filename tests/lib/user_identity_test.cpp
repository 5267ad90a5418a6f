// SPDX-License-Identifier: MIT
#include "spawning/user_identity.hpp"

#include <grp.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <functional>

#include "spawning/error.hpp"

namespace spawning {
namespace {

// What is wrong with the text; "" if nothing is.
std::string refusal(const std::string& text) {
  try {
    static_cast<void>(UserIdentity::find(text));
  } catch (const StartupError& error) {
    return error.what();
  }
  return "";
}

// What the action says in a child: its exception's text, or "done".
std::string in_a_child(const std::function<void()>& action) {
  int ends[2];
  if (::pipe(ends) != 0) return "no pipe";
  const pid_t child = ::fork();
  if (child == 0) {
    std::string said = "done";
    try {
      action();
    } catch (const std::exception& error) {
      said = error.what();
    }
    static_cast<void>(::write(ends[1], said.data(), said.size()));
    ::_exit(0);
  }
  ::close(ends[1]);
  std::string said(1000, '\0');
  const ssize_t count = ::read(ends[0], said.data(), said.size());
  said.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
  ::close(ends[0]);
  ::waitpid(child, nullptr, 0);
  return said;
}

void require(bool condition, const std::string& what) {
  if (!condition) throw std::runtime_error{what};
}

class UserIdentityOfRootTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
  }
};

TEST(UserIdentityTest, IsFoundByNameOrNumber) {
  for (const std::string text : {"root", "0", "root:root", "0:0", "root:0"}) {
    const UserIdentity identity = UserIdentity::find(text);

    EXPECT_EQ(identity.user, 0U) << text;
    EXPECT_EQ(identity.group, 0U) << text;
    EXPECT_EQ(identity.name, "root") << text;
    EXPECT_NE(std::ranges::find(identity.groups, 0U), identity.groups.end()) << text;
  }
}

TEST(UserIdentityTest, HasTheGroupThatIsNamedBesidesTheUsersOwnSupplementaryOnes) {
  const UserIdentity identity = UserIdentity::find("nobody:daemon");

  EXPECT_EQ(identity.user, UserIdentity::find("nobody").user);
  EXPECT_EQ(identity.group, UserIdentity::find("daemon").group);
  EXPECT_EQ(identity.groups, std::vector<gid_t>{identity.group});
}

TEST(UserIdentityTest, MayBeANumberThatBelongsToNobody) {
  const UserIdentity identity = UserIdentity::find("1234567:7654321");

  EXPECT_EQ(identity.user, 1'234'567U);
  EXPECT_EQ(identity.group, 7'654'321U);
  EXPECT_EQ(identity.groups, std::vector<gid_t>{7'654'321U});
  EXPECT_TRUE(identity.environment().empty());
}

TEST(UserIdentityTest, SaysWhoIsUnknown) {
  EXPECT_EQ(refusal("no-such-user"), "there is no user \"no-such-user\"");
  EXPECT_EQ(refusal("root:no-such-group"), "there is no group \"no-such-group\"");
  EXPECT_EQ(refusal("1234567"), "user 1234567 has no group of its own; expected 1234567:GROUP");
  for (const std::string text : {"", ":", ":root", "root:"})
    EXPECT_EQ(refusal(text), "expected USER or USER:GROUP, not \"" + text + "\"");
  for (const std::string text : {"-1", "4294967295", "4294967296", "0x0", "1 "})
    EXPECT_EQ(refusal(text + ":0"), "there is no user \"" + text + "\"");
}

TEST(UserIdentityTest, HasTheEnvironmentOfALogin) {
  EXPECT_EQ(UserIdentity::find("root").environment(),
            (std::vector<std::string>{"HOME=/root", "USER=root", "LOGNAME=root"}));
}

TEST_F(UserIdentityOfRootTest, IsAssumedWhole) {
  EXPECT_EQ(in_a_child([] {
              UserIdentity identity = UserIdentity::find("nobody:daemon");
              identity.groups = {identity.group, 4711};
              require(!identity.is_current(), "current before");
              identity.assume();
              require(identity.is_current(), "not current");
              gid_t groups[8];
              require(::getgroups(8, groups) == 2, "number of groups");
              require(std::ranges::find(groups, 4711U) != std::end(groups), "group");
              require(::setuid(0) != 0 && ::setgid(0) != 0, "root again");
              identity.assume();  // already: fine
            }),
            "done");
}

TEST_F(UserIdentityOfRootTest, MayBeRoot) {
  EXPECT_EQ(in_a_child([] { UserIdentity::find("root").assume(); }), "done");
}

// ThreadSanitizer has a thread of its own, which would not have these securebits; glibc's setuid()
// aborts when threads differ.
#ifndef __SANITIZE_THREAD__
TEST_F(UserIdentityOfRootTest, IsNotAssumedIfRootCouldBeHadBack) {
  EXPECT_EQ(in_a_child([] {
              // Capabilities stay when the user changes.
              require(::prctl(PR_SET_SECUREBITS, 1UL << 2, 0, 0, 0) == 0, "securebits");
              UserIdentity::find("12345:12345").assume();
            }),
            "this process cannot become 12345:12345: it could become root again");
}
#endif

TEST_F(UserIdentityOfRootTest, CannotBeAnotherForWhoIsNotRoot) {
  const std::string said = in_a_child([] {
    UserIdentity::find("12345:12346").assume();
    UserIdentity::find("12345:12346").require_permission();
    UserIdentity::find("12345:4711").assume();
  });

  EXPECT_EQ(
      said,
      "this process cannot become 12345:4711: only root can become somebody else, and it runs "
      "as user 12345, group 12346");
  EXPECT_EQ(
      in_a_child([] {
        UserIdentity::find("12345:12346").assume();
        UserIdentity::find("root").require_permission();
      }),
      "this process cannot become root (0:0): only root can become somebody else, and it runs "
      "as user 12345, group 12346");
}

}  // namespace
}  // namespace spawning
