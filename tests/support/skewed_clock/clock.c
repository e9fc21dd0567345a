/* What a process with this library is told of the time of day is SKEW_S seconds off. What it waits for (monotonic time)
   is left alone: so a machine differs whose clock was set wrong, and nothing else. */
#ifdef __aarch64__
#define CLOCK_GETTIME 113
#else
#define CLOCK_GETTIME 228
#endif
#define REALTIME 0
#define REALTIME_COARSE 5

struct timespec { long seconds, nanoseconds; };
struct timeval { long seconds, microseconds; };
extern long syscall(long number, ...);

int clock_gettime(int clock, struct timespec *now)
{
    long failed = syscall(CLOCK_GETTIME, clock, now);
    if (!failed && (clock == REALTIME || clock == REALTIME_COARSE))
        now->seconds += SKEW_S;
    return failed;
}

int gettimeofday(struct timeval *now, void *zone)
{
    struct timespec found;
    (void)zone;
    clock_gettime(REALTIME, &found);
    now->seconds = found.seconds;
    now->microseconds = found.nanoseconds / 1000;
    return 0;
}

long time(long *into)
{
    struct timespec found;
    clock_gettime(REALTIME, &found);
    if (into)
        *into = found.seconds;
    return found.seconds;
}
