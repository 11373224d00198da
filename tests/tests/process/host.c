/* A warm host in C, as small as it can be: what docs/python.md says of the protocol, and a task that squares a number.
 *
 * Its code is "loaded" once, by the process that becomes the host. For every job that process forks a child, which takes the
 * job from the socket and becomes it.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define LONGEST (32 * 1024)

static int sock;
static pid_t loaded_by;

static void say(const char *text) {
    if (send(sock, text, strlen(text), MSG_NOSIGNAL) < 0) _exit(0); /* nobody is there any more */
}

/* The JSON string at `*at`, written over itself. A worker escapes quotes, backslashes and control characters only. */
static char *string(char **at) {
    char *from = *at, *to = *at, *text = *at;
    if (*from++ != '"') _exit(3);
    while (*from != '"') {
        if (*from != '\\') {
            *to++ = *from++;
            continue;
        }
        const char *known = strchr("n\nt\tr\rb\bf\f", from[1]);
        if (from[1] == 'u') {
            char hex[5] = {from[2], from[3], from[4], from[5], 0};
            *to++ = (char)strtol(hex, NULL, 16);
            from += 6;
        } else {
            *to++ = known ? known[1] : from[1];
            from += 2;
        }
    }
    *at = from + 1;
    *to = 0;
    return text;
}

static void expect(char **at, const char *text) {
    if (strncmp(*at, text, strlen(text)) != 0) _exit(3);
    *at += strlen(text);
}

/* {"env":[["NAME","value"],..],"dir":"/..","sandbox":false}: environment and folder; whether there is a sandbox. */
static int take_over(char *job) {
    int sandbox = 0;
    clearenv();
    expect(&job, "{");
    for (;;) {
        char *key = string(&job);
        expect(&job, ":");
        if (strcmp(key, "env") == 0) {
            expect(&job, "[");
            while (*job == '[') {
                job++;
                char *name = string(&job);
                expect(&job, ",");
                char *value = string(&job);
                expect(&job, "]");
                setenv(name, value, 1);
                if (*job == ',') job++;
            }
            expect(&job, "]");
        } else if (strcmp(key, "dir") == 0) {
            if (chdir(string(&job)) != 0) _exit(4);
        } else {
            sandbox = *job == 't';
            expect(&job, sandbox ? "true" : "false");
        }
        if (*job++ == '}') return sandbox;
    }
}

/* In the child: waits for a job, and has its descriptors on 0 to 3 when this is back. */
static void receive(void) {
    static char packet[LONGEST + 1];
    char control[CMSG_SPACE(8 * sizeof(int))];
    struct iovec io = {packet, LONGEST};
    struct msghdr message = {.msg_iov = &io, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t length = recvmsg(sock, &message, MSG_CMSG_CLOEXEC);
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    if (length <= 0 || head == NULL) _exit(0);
    int fds[8], count = (int)((head->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    memcpy(fds, CMSG_DATA(head), count * sizeof(int));
    char *text = packet;
    if (length == 4 && memcmp(packet, "file", 4) == 0) {
        off_t size = lseek(fds[--count], 0, SEEK_END);
        text = malloc((size_t)size + 1);
        length = pread(fds[count], text, (size_t)size, 0);
        close(fds[count]);
    }
    text[length] = 0;
    close(sock);
    for (int number = 0; number < 4; number++) {
        dup2(fds[number], number);
        if (fds[number] > 3) close(fds[number]);
    }
    if (take_over(text) && syscall(SYS_landlock_restrict_self, fds[4], 0) != 0) _exit(5);
}

static int task(void) {
    char input[64] = {0};
    if (read(0, input, sizeof input - 1) < 0) return 1;
    if (strstr(input, "crash")) abort();
    if (strstr(input, "hang")) {
        signal(SIGTERM, SIG_IGN);
        if (fork() == 0) setsid();
        if (write(3, "ready\n", 6) != 6) return 1;
        for (;;) pause();
    }
    if (strstr(input, "word")) return printf("%s", getenv("WORD")) < 0;
    long n = atol(input);
    return printf("[%ld,%d,%d]", n * n, getppid(), loaded_by) < 0;
}

int main(void) {
    sock = fcntl(3, F_DUPFD_CLOEXEC, 4);
    dup2(0, 3); /* the number of the events of a job */
    loaded_by = getpid();
    for (;;) {
        char text[256], next[64];
        pid_t child = fork();
        if (child == 0) {
            setsid();
            receive();
            exit(task());
        }
        snprintf(text, sizeof text, "{\"ready\":{\"pid\":%d}}", child);
        say(text);
        siginfo_t end;
        if (waitid(P_PID, child, &end, WEXITED | WNOWAIT) != 0) return 1; /* not reaped: the pid must stay its own */
        int status = end.si_code == CLD_EXITED ? end.si_status << 8 : end.si_status | (end.si_code == CLD_DUMPED ? 0x80 : 0);
        snprintf(text, sizeof text, "{\"ended\":{\"status\":%d}}", status);
        say(text);
        if (recv(sock, next, sizeof next, 0) <= 0) return 0;
        struct rusage used;
        wait4(child, NULL, 0, &used);
        long cpu = (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000 + used.ru_utime.tv_usec + used.ru_stime.tv_usec;
        snprintf(text, sizeof text,
                 "{\"used\":{\"cpu_us\":%ld,\"max_rss\":%ld,\"voluntary_switches\":%ld,\"involuntary_switches\":%ld}}", cpu,
                 used.ru_maxrss * 1024, used.ru_nvcsw, used.ru_nivcsw);
        say(text);
    }
}
