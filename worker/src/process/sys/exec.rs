//! Starting a job's leader: `clone` in the manner of `vfork`, then a fixed list of system calls, then `execve`.
//!
//! The slot has one thread and waits in `CLONE_VFORK` until the child has gone to its new program or has failed, so the
//! child may read everything the slot has prepared, and the slot's size does not matter. The child allocates nothing,
//! takes no lock and cannot panic. Only where it changes its user does it get memory of its own (no `CLONE_VM`): two
//! users must not share one.

use nix::{errno::Errno, sched::CpuSet};
use std::{
    ffi::{CString, c_char, c_int, c_void},
    io,
    os::fd::{AsRawFd, BorrowedFd, RawFd},
    ptr,
    sync::atomic::{AtomicI32, Ordering},
};

const STACK: usize = 64 * 1024;
const PAGE: usize = 4096;
/// Files of jobs are readable for all and writable for their owner, whatever the worker's own mask is.
const UMASK: libc::mode_t = 0o022;
const NO: libc::c_ulong = 0;
const YES: libc::c_ulong = 1;
const DEATH: libc::c_ulong = libc::SIGKILL as libc::c_ulong;

/// All that the child needs, prepared before it exists.
#[derive(Debug, Default)]
pub(in crate::process) struct ExecPlan {
    /// Programs to try in turn, as PATH gives them.
    pub(in crate::process) programs: Vec<CString>,
    /// The arguments, the program's name first.
    pub(in crate::process) argv: Vec<CString>,
    /// `NAME=value`.
    pub(in crate::process) env: Vec<CString>,
    /// The working folder.
    pub(in crate::process) dir: CString,
    /// Resource (`setrlimit(2)`) and its soft and hard limit.
    pub(in crate::process) rlimits: Vec<(u32, u64, u64)>,
    /// Niceness.
    pub(in crate::process) nice: Option<i32>,
    /// CPUs to run on.
    pub(in crate::process) affinity: Option<CpuSet>,
    /// Open `cgroup.procs` files of the groups to enter.
    pub(in crate::process) doors: Vec<RawFd>,
    /// Landlock rules to put on, open.
    pub(in crate::process) rules: Option<RawFd>,
    /// User and group id.
    pub(in crate::process) identity: Option<(u32, u32)>,
    /// `PR_SET_NO_NEW_PRIVS`.
    pub(in crate::process) no_new_privs: bool,
}

/// A step of the child, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub(in crate::process) enum Step {
    /// `clone` itself, in the slot.
    Fork,
    /// `setsid`.
    Session,
    /// Entering the control groups.
    Groups,
    /// `dup2` of standard input, output, error and the event pipe.
    Descriptors,
    /// `setrlimit`.
    Limits,
    /// `setpriority`.
    Nice,
    /// `sched_setaffinity`.
    Affinity,
    /// `setgroups`, `setresgid`, `setresuid`.
    Identity,
    /// `PR_SET_NO_NEW_PRIVS`.
    NoNewPrivs,
    /// `landlock_restrict_self`.
    Sandbox,
    /// `PR_SET_PDEATHSIG`, and the slot still there.
    Parent,
    /// `chdir`.
    Folder,
    /// `execve`.
    Exec,
}

/// Why the leader did not start; nothing of it is left.
#[derive(Debug, Clone, Copy)]
pub(in crate::process) struct ExecFailure {
    /// Where it failed.
    pub(in crate::process) step: Step,
    /// The error.
    pub(in crate::process) errno: Errno,
    /// Which of the programs, limits or groups.
    pub(in crate::process) which: usize,
}

/// The child's stack and the page through which it reports: mapped once, used for one leader after another.
#[derive(Debug)]
pub(in crate::process) struct SpawnArea {
    stack: *mut c_void,
    report: *mut Report,
}

#[repr(C)]
struct Report {
    step: AtomicI32,
    errno: AtomicI32,
    which: AtomicI32,
}

struct Child<'plan> {
    plan: &'plan ExecPlan,
    argv: *const *const c_char,
    env: *const *const c_char,
    fds: [RawFd; 4],
    slot: libc::pid_t,
    report: &'plan Report,
}

impl SpawnArea {
    /// Maps both.
    pub(in crate::process) fn map() -> io::Result<Self> {
        let map = |length, flags| {
            let access = libc::PROT_READ | libc::PROT_WRITE;
            // SAFETY: a new anonymous mapping where the kernel likes; it replaces nothing.
            let at = unsafe { libc::mmap(ptr::null_mut(), length, access, flags | libc::MAP_ANONYMOUS, -1, 0) };
            if at == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(at) }
        };
        let stack = map(STACK, libc::MAP_PRIVATE | libc::MAP_STACK)?;
        // SAFETY: the lowest page of the mapping above, which nothing uses yet: an overflow faults there.
        Errno::result(unsafe { libc::mprotect(stack, PAGE, libc::PROT_NONE) })?;
        let report = map(PAGE, libc::MAP_SHARED)?.cast::<Report>();
        Ok(Self { stack, report })
    }

    /// Starts the leader with these as its descriptors 0 to 3. They must all be numbered 4 or above, and every other
    /// descriptor from 4 up must be close-on-exec.
    pub(in crate::process) fn start(&mut self, plan: &ExecPlan, fds: [BorrowedFd<'_>; 4]) -> Result<i32, ExecFailure> {
        let pointers = |list: &[CString]| -> Vec<*const c_char> {
            list.iter().map(|text| text.as_ptr()).chain([ptr::null()]).collect()
        };
        let (argv, env) = (pointers(&plan.argv), pointers(&plan.env));
        // SAFETY: the page is mapped for as long as `self` lives, aligned, and all-zero atomics are valid.
        let report = unsafe { &*self.report };
        report.errno.store(0, Ordering::Relaxed);
        let mut child = Child {
            plan,
            argv: argv.as_ptr(),
            env: env.as_ptr(),
            fds: fds.map(|fd| fd.as_raw_fd()),
            slot: std::process::id().cast_signed(),
            report,
        };
        let memory = if plan.identity.is_some() { 0 } else { libc::CLONE_VM };
        let flags = libc::CLONE_VFORK | libc::SIGCHLD | memory;
        // SAFETY: the stack is STACK bytes, grows down and is used by one child at a time, since CLONE_VFORK holds
        // this thread until the child has exec'd or exited. `child` and all it points to outlive that. `run_child`
        // neither returns into this frame, nor unwinds, nor allocates; signals are all blocked, so no handler runs.
        let pid = unsafe {
            let top = self.stack.byte_add(STACK);
            libc::clone(run_child, top, flags, (&raw mut child).cast())
        };
        if pid < 0 {
            return Err(ExecFailure { step: Step::Fork, errno: Errno::last(), which: 0 });
        }
        match report.errno.load(Ordering::Relaxed) {
            0 => Ok(pid),
            errno => {
                reap(pid);
                Err(ExecFailure {
                    step: Step::from_number(report.step.load(Ordering::Relaxed)),
                    errno: Errno::from_raw(errno),
                    which: usize::try_from(report.which.load(Ordering::Relaxed)).unwrap_or(0),
                })
            }
        }
    }
}

impl Step {
    fn from_number(number: i32) -> Self {
        const ALL: [Step; 13] = [
            Step::Fork,
            Step::Session,
            Step::Groups,
            Step::Descriptors,
            Step::Limits,
            Step::Nice,
            Step::Affinity,
            Step::Identity,
            Step::NoNewPrivs,
            Step::Sandbox,
            Step::Parent,
            Step::Folder,
            Step::Exec,
        ];
        ALL.into_iter().find(|step| *step as i32 == number).unwrap_or(Step::Fork)
    }
}

fn reap(pid: i32) {
    // SAFETY: the status may be null; the child has exited or is about to, so this ends.
    while unsafe { libc::waitpid(pid, ptr::null_mut(), libc::__WALL) } < 0 && Errno::last() == Errno::EINTR {}
}

extern "C" fn run_child(argument: *mut c_void) -> c_int {
    // SAFETY: `argument` is the `Child` that `start` keeps alive until this process has exec'd or exited.
    let child = unsafe { &*argument.cast::<Child<'_>>() };
    let Failed { step, which, errno } = child.exec();
    child.report.step.store(step as i32, Ordering::Relaxed);
    child.report.which.store(which, Ordering::Relaxed);
    child.report.errno.store(if errno == 0 { libc::EINVAL } else { errno }, Ordering::Relaxed);
    // SAFETY: `_exit` runs no handler and flushes nothing of the memory shared with the slot.
    unsafe { libc::_exit(127) }
}

struct Failed {
    step: Step,
    which: i32,
    errno: c_int,
}

impl Child<'_> {
    /// Returns only on failure. Only thin wrappers of system calls may be called here: no allocation, no lock.
    fn exec(&self) -> Failed {
        match self.enter().and_then(|()| self.restrict()) {
            Ok(()) => self.try_programs(),
            Err(failed) => failed,
        }
    }

    /// Session, groups, descriptors and limits: all that an ordinary user may no longer be allowed to do.
    fn enter(&self) -> Result<(), Failed> {
        let plan = self.plan;
        // SAFETY: system calls on numbers, and on bytes and structs that the slot keeps alive.
        unsafe {
            check(Step::Session, 0, libc::setsid().into())?;
            for (door, index) in plan.doors.iter().zip(0..) {
                check(Step::Groups, index, libc::write(*door, c"0".as_ptr().cast(), 1) as libc::c_long)?;
            }
            for (from, to) in self.fds.iter().zip(0..) {
                check(Step::Descriptors, to, libc::dup2(*from, to).into())?;
            }
            // Everything above 3 is close-on-exec already; this is for what anybody might have forgotten.
            libc::syscall(libc::SYS_close_range, 4, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC);
            for ((resource, soft, hard), index) in plan.rlimits.iter().zip(0..) {
                let limit = libc::rlimit64 { rlim_cur: *soft, rlim_max: *hard };
                check(Step::Limits, index, libc::syscall(libc::SYS_prlimit64, 0, *resource, &raw const limit, 0))?;
            }
            if let Some(nice) = plan.nice {
                check(Step::Nice, 0, libc::setpriority(libc::PRIO_PROCESS, 0, nice).into())?;
            }
            if let Some(cpus) = &plan.affinity {
                let set = libc::syscall(libc::SYS_sched_setaffinity, 0, size_of::<CpuSet>(), ptr::from_ref(cpus));
                check(Step::Affinity, 0, set)?;
            }
            libc::umask(UMASK);
        }
        Ok(())
    }

    /// Identity and privileges; what needs the slot's is done by now.
    fn restrict(&self) -> Result<(), Failed> {
        let plan = self.plan;
        // SAFETY: as above. The raw `syscall` form is used where libc would tell other threads (set*id): they are not
        // this process' threads.
        unsafe {
            if let Some((user, group)) = plan.identity {
                check(Step::Identity, 0, libc::syscall(libc::SYS_setgroups, 0, 0))?;
                check(Step::Identity, 1, libc::syscall(libc::SYS_setresgid, group, group, group))?;
                check(Step::Identity, 2, libc::syscall(libc::SYS_setresuid, user, user, user))?;
            }
            if plan.no_new_privs {
                check(Step::NoNewPrivs, 0, libc::prctl(libc::PR_SET_NO_NEW_PRIVS, YES, NO, NO, NO).into())?;
            }
            // After setresuid, which clears it.
            check(Step::Parent, 0, libc::prctl(libc::PR_SET_PDEATHSIG, DEATH).into())?;
            if libc::getppid() != self.slot {
                return Err(Failed { step: Step::Parent, which: 0, errno: libc::ESRCH });
            }
            check(Step::Folder, 0, libc::chdir(plan.dir.as_ptr()).into())?;
            if let Some(rules) = plan.rules {
                check(Step::Sandbox, 0, libc::syscall(libc::SYS_landlock_restrict_self, rules, 0))?;
            }
            let mut none = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
            libc::sigemptyset(none.as_mut_ptr());
            libc::sigprocmask(libc::SIG_SETMASK, none.as_ptr(), ptr::null_mut());
        }
        Ok(())
    }

    /// As `execvp(3)`: a program that is not there leaves the next one to try, one that may not be run is remembered.
    fn try_programs(&self) -> Failed {
        let mut worst = Failed { step: Step::Exec, which: 0, errno: libc::ENOENT };
        for (program, which) in self.plan.programs.iter().zip(0..) {
            // SAFETY: all three are NUL-terminated (strings, and lists of pointers to strings) and outlive the call.
            unsafe { libc::execve(program.as_ptr(), self.argv, self.env) };
            match Errno::last_raw() {
                libc::ENOENT | libc::ENOTDIR => {}
                libc::EACCES => worst = Failed { step: Step::Exec, which, errno: libc::EACCES },
                errno => return Failed { step: Step::Exec, which, errno },
            }
        }
        worst
    }
}

fn check(step: Step, which: i32, answer: libc::c_long) -> Result<(), Failed> {
    if answer < 0 { Err(Failed { step, which, errno: Errno::last_raw() }) } else { Ok(()) }
}
