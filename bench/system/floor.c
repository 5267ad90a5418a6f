// SPDX-License-Identifier: MIT
// What no server gets below: epoll, and one answer to whatever comes. usage: floor PORT
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static const char kAnswer[] =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 14\r\n\r\nHello, world!\n";

static int listen_at(int port) {
  const int on = 1;
  struct sockaddr_in address = {0};
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  address.sin_family = AF_INET;
  address.sin_port = htons((unsigned short)port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd, (struct sockaddr*)&address, sizeof address) != 0 || listen(fd, 4096) != 0) exit(1);
  return fd;
}

static void watch(int epoll, int fd) {
  struct epoll_event event = {0};
  event.events = EPOLLIN;
  event.data.fd = fd;
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) close(fd);
}

// An answer for each blank line; requests come whole over loopback.
static void answer(int fd) {
  char octets[65536];
  const ssize_t count = recv(fd, octets, sizeof octets, 0);
  const char* at = octets;
  if (count <= 0) {
    close(fd);
    return;
  }
  while ((at = memmem(at, (size_t)(octets + count - at), "\r\n\r\n", 4)) != NULL) {
    at += 4;
    if (send(fd, kAnswer, sizeof kAnswer - 1, MSG_NOSIGNAL) < 0) {
      close(fd);
      return;
    }
  }
}

int main(int argc, char** argv) {
  struct epoll_event events[256];
  const int on = 1, epoll = epoll_create1(0);
  const int listener = listen_at(argc > 1 ? atoi(argv[1]) : 8080);
  watch(epoll, listener);
  for (;;) {
    const int count = epoll_wait(epoll, events, 256, -1);
    for (int i = 0; i < count; ++i) {
      if (events[i].data.fd != listener) {
        answer(events[i].data.fd);
        continue;
      }
      const int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
      if (fd < 0) continue;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      watch(epoll, fd);
    }
  }
}
