/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_H
#define VHDSTREAM_H

/**
 * libvhdstream: moves virtual disks between XAPI pools (XenServer, XCP-ng),
 * files, pipes and HTTP servers in one pass, without scratch space.
 *
 * Version 0.x: NEWS says what breaks between minor versions.
 *
 * In short:
 *
 *     struct vhdstream *v;
 *     if (vhdstream_new(&v))
 *         return;                                  // out of memory
 *     vhdstream_set(v, "dst-password", secret);
 *     if (vhdstream_copy(v, "disk.tgz", "xapi://root@xs1/sr/default"))
 *         fprintf(stderr, "%s\n", vhdstream_error(v));
 *     else
 *         puts(vhdstream_result(v));               // JSON
 *     vhdstream_free(v);
 *
 * The library never prints, never exits, reads no environment variable and
 * installs no signal handler. It starts threads of its own inside a call, in
 * which all signals are blocked, and they end before the call returns. SIGPIPE
 * must be ignored by the program, since standard output may be a pipe.
 *
 * Objects, texts and out-parameters are not NULL unless it is said. Texts that
 * are given are read during the call only; those of options and places are
 * bytes, and for what goes into a pool UTF-8. Sizes and positions are in bytes.
 * libvhdstream(3) tells the same as a story.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The version of this header, and of the library at run time; that is static.
 * From any thread. */
#define VHDSTREAM_VERSION_TEXT "0.1.0"
const char *vhdstream_version(void);

/* --- Outcomes ------------------------------------------------------------- */

/** What a call returns. The numbers are the exit statuses of the program.
 * An operation (vhdstream_copy to vhdstream_clean) may end with any of them,
 * and docs/errors.md lists what leads to which; below it is said only what one
 * means that is peculiar to a call. */
enum vhdstream_status {
    VHDSTREAM_OK = 0,
    VHDSTREAM_FAILED = 1,    /**< any other reason; a closed pipe, too */
    VHDSTREAM_USAGE = 2,     /**< the call itself: option, place, combination */
    VHDSTREAM_CORRUPT = 3,   /**< broken or cut, or a form that is not taken */
    VHDSTREAM_NOT_FOUND = 4, /**< no such file, disk, SR, URL */
    VHDSTREAM_AUTH = 5,      /**< credentials, permission, TLS */
    VHDSTREAM_NO_SPACE = 6,  /**< full, or too large for the target */
    VHDSTREAM_UNSETTLED = 7, /**< the server's verdict could not be learnt, or
                                  something could not be cleaned up; the text
                                  lists it */
    VHDSTREAM_TEMPORARY = 75, /**< the same call may work later */
    VHDSTREAM_CANCELLED = 130 /**< vhdstream_cancel; all was cleaned up */
};

/* --- A transfer ----------------------------------------------------------- */

/**
 * Options, and the state of one operation at a time. Used by one thread at a
 * time, except for vhdstream_cancel and vhdstream_get_progress. Several objects
 * may be used in parallel.
 */
struct vhdstream;

/** A new one in *out, to be freed with vhdstream_free. VHDSTREAM_NO_SPACE when
 * memory is short; *out is then untouched. */
int vhdstream_new(struct vhdstream **out);

/** Frees; secrets are overwritten. NULL is fine. */
void vhdstream_free(struct vhdstream *v);

/**
 * Sets an option. Names and values are those of the command line without the
 * dashes ("level", "6"; "force", NULL): docs/options.md lists them. `value` is
 * NULL for a switch, and copied. "src-user", "dst-user", "src-password",
 * "dst-password", "src-cacert" ... go to one side, without prefix to both.
 *
 * For Glance: "os-auth-type", "os-auth-url", "os-token", "os-username",
 * "os-user-id", "os-password", "os-user-domain-name", "os-user-domain-id",
 * "os-project-name", "os-project-id", "os-project-domain-name",
 * "os-project-domain-id", "os-domain-name", "os-domain-id", "os-system-scope",
 * "os-application-credential-id", "os-application-credential-name",
 * "os-application-credential-secret", "os-interface", "os-region-name",
 * "os-endpoint": what OpenStack's clients call OS_AUTH_TYPE and so on, for one
 * side or for both. Neither the environment nor clouds.yaml is read here.
 *
 * One that the command line has not: "session" ("src-session", "dst-session"),
 * the ref of a session with a pool that is open already, in place of user and
 * password. It is used as it is and stays open. When the pool ends it in the
 * middle, no other one is opened: that is VHDSTREAM_AUTH, or
 * VHDSTREAM_UNSETTLED where something could then not be removed. It is as
 * secret as a password, and in no message.
 *
 * VHDSTREAM_USAGE: no such option, or the value does not fit.
 */
int vhdstream_set(struct vhdstream *v, const char *option, const char *value);

/**
 * Copies the disk at `source` to `destination`; both are places as on the
 * command line (vhdstream(1), PLACES), or "caller:", a stream of the caller's
 * own. Returns when the disk is complete at the destination (file renamed into
 * place, server's task successful), or when nothing of it is left there. With
 * "verify" it was read back before that, and was found to be the same
 * (VHDSTREAM_CORRUPT where it was not; "verified" in the result). What could
 * not be removed is named in the error's text, with VHDSTREAM_UNSETTLED.
 */
int vhdstream_copy(struct vhdstream *v, const char *source,
                   const char *destination);

/**
 * Copies `count` disks into a folder that is there, or into an SR, "jobs" of
 * them at once, as vhdstream_copy does; the options are those of all. A file in
 * the folder is called as its source is, a VDI as it was named, with the suffix
 * of "to" (.vhd without it); where two would be one, or one is there already,
 * that is VHDSTREAM_USAGE before anything is moved. "state", "resume",
 * "blocks", "base" and "parent" are refused.
 *
 * The copies share the threads, "limit-rate" and vhdstream_cancel; progress is
 * the sum of all. Memory follows "jobs". The failure of one does not stop the
 * others: the status is the worst, in this order: VHDSTREAM_CANCELLED,
 * UNSETTLED, CORRUPT, NO_SPACE, AUTH, NOT_FOUND, USAGE, FAILED, TEMPORARY.
 *
 * vhdstream_result is there after a failure, too: "copies" has the result of
 * each, in the order of the sources, with "status" and, where it failed,
 * "error"; "count", "failed" and "status" are of all. Callbacks come from
 * several threads, one at a time.
 */
int vhdstream_copy_many(struct vhdstream *v, const char *const *sources,
                        unsigned count, const char *destination);

/**
 * Lays deltas over their base and copies the disk that comes out: places[] has
 * `count` of them, at least three: the base, the deltas from the oldest to the
 * youngest, and the destination. All but the last two have to be files that can
 * be read in any order. Each must be the parent of the next one by its uuid
 * (VHDSTREAM_CORRUPT), unless "force-base" is set. Options, result and the rest
 * are those of vhdstream_copy.
 */
int vhdstream_merge(struct vhdstream *v, const char *const *places,
                    unsigned count);

/** Looks at a place; vhdstream_result says what is there. */
int vhdstream_info(struct vhdstream *v, const char *place);

/**
 * Takes the digest of the content of the disk at a place: the same whatever its
 * format, the order of its blocks and its holes, and the one that `blksum`
 * computes with SHA-256 (docs/formats/digest.md). vhdstream_result has it as
 * "digest". The option "blocks" names a file for the list of block digests.
 */
int vhdstream_digest(struct vhdstream *v, const char *place);

/** A part of a disk, in bytes. */
struct vhdstream_extent {
    uint64_t start, length;
    const char *kind; /**< "data", "zero" (stored, all zeros), "hole" (not
                           stored: zeros) or "parent" (not stored: the
                           parent's content) */
};

/** Takes the next one; a result other than 0 ends it with VHDSTREAM_FAILED. */
typedef int vhdstream_extent_fn(void *ctx, const struct vhdstream_extent *x);

/**
 * Tells what a disk has where: calls take(ctx, extent) for all of it, in order
 * of address, neighbours of one kind joined. Data is looked into to tell zeros,
 * in units that grow with the disk, where the place can be read in any order
 * and the option "quick" is not set. A differencing disk is taken by itself,
 * unless "chain" or "parent" is set. `take` may be NULL.
 *
 * vhdstream_result has the sums; the option "image" names a file for a drawing
 * (SVG) of the disk and of what lies where in the file.
 */
int vhdstream_map(struct vhdstream *v, const char *place,
                  vhdstream_extent_fn *take, void *ctx);

/**
 * Compares the content of the disks at two places, whatever their formats. One
 * of them, or both, may be a list of block digests. VHDSTREAM_OK where the
 * comparison was made, and vhdstream_result says in "identical" how it ended,
 * and where they are not, in "first_difference" where that begins.
 *
 * Options for one side are "src-user" ... for the first place, "dst-user" ...
 * for the second.
 */
int vhdstream_compare(struct vhdstream *v, const char *a, const char *b);

/**
 * Checks the VHD at a place, all of it: vhdstream_result lists the findings.
 * With "chain" a differencing disk's parents, too, by their own names or by
 * "parent". In an archive of several disks each of them, and that they are one
 * chain.
 *
 * VHDSTREAM_CORRUPT where there are errors among the findings, or the disks of
 * an archive are no chain, or one that is not taken. The result is there all
 * the same; without one the place could not be read.
 */
int vhdstream_check(struct vhdstream *v, const char *place);

/**
 * Mends in place what can be mended in a VHD's file without guessing: footers,
 * checksums, geometry, batmap, never data. What is overwritten goes into a
 * backup beside the file first; "undo" takes one back. With "dry-run" nothing
 * is written. vhdstream_result says what was done, what is left and why.
 *
 * VHDSTREAM_CORRUPT where errors are left: then nothing was written.
 */
int vhdstream_repair(struct vhdstream *v, const char *file);

/**
 * Removes from the pool at a place ("xapi://HOST") what killed runs left there:
 * disks, snapshots and tasks that carry the marks of a run, all of them sound,
 * whose run started longer ago than "older-than" says ("30m", "12h", "1d", the
 * default, "2w"), and has given no sign of life for 15 minutes, both by the
 * pool's clock. Spared is what is plugged, is a disk of a VM, belongs to a run
 * with a pending task, or was kept to be resumed (unless "force" is set). The
 * marks are read again before each attempt to destroy a disk. With "dry-run"
 * nothing is removed.
 *
 * vhdstream_result lists all of them, with what became of each and why.
 * VHDSTREAM_UNSETTLED where something could not be removed; the result has the
 * command that does it. After another failure the result, where there is one,
 * has what was done before.
 */
int vhdstream_clean(struct vhdstream *v, const char *place);

/** The failure of the last call that returned a status, one line without a line
 * end and without any secret; "" after a success. Owned by v, valid until its
 * next such call. */
const char *vhdstream_error(const struct vhdstream *v);

/** What XAPI has refused, where that is why the last call failed: its code and
 * the code's parameters, as a JSON array of texts, cut where they are long;
 * NULL where nothing was refused. Owned by v, valid until its next call that
 * returns a status. */
const char *vhdstream_refusal(const struct vhdstream *v);

/** What the last operation has to say, as one JSON object. Owned by v, valid
 * until its next call; NULL after a failure, unless the call says otherwise. */
const char *vhdstream_result(const struct vhdstream *v);

/** What a status means, in two or three words ("not found"); never NULL.
 * Static. From any thread. */
const char *vhdstream_status_text(int status);

/* --- Streams of the caller's own -------------------------------------------
 */

/**
 * Puts up to `room` bytes of the disk's file into buf: the count, 0 at its end,
 * less than 0 on a failure, which then is the operation's (VHDSTREAM_FAILED).
 * A count below `room` is no end.
 */
typedef int64_t vhdstream_read_fn(void *ctx, void *buf, size_t room);

/** Takes `len` bytes, all of them: 0, else the operation fails
 * (VHDSTREAM_FAILED). What was taken is worth something only after the
 * operation has returned VHDSTREAM_OK. */
typedef int vhdstream_write_fn(void *ctx, const void *buf, size_t len);

/**
 * Calls fn(ctx, ...) for the bytes of a source whose place is "caller:", and of
 * a destination, respectively. Bytes come in order, from one thread at a time,
 * which need not be that of the operation; the function may block as long as it
 * likes, and vhdstream_cancel does not reach it: a function that waits for
 * something else has to end by itself. NULL: there is none. Before the
 * operation.
 */
void vhdstream_on_read(struct vhdstream *v, vhdstream_read_fn *fn, void *ctx);
void vhdstream_on_write(struct vhdstream *v, vhdstream_write_fn *fn, void *ctx);

/** How many bytes a destination "caller:" will be given, exactly; -1 where
 * compression decides it ("tgz"). A result other than 0: as of
 * vhdstream_write_fn. */
typedef int vhdstream_size_fn(void *ctx, int64_t size);

/** Calls fn(ctx, size) before the first byte, for those who must promise a
 * length: a Content-Length, the parts of an upload. Once more if the transfer
 * has to begin anew while nothing was written. From the operation's thread.
 * NULL: nobody listens. Before the operation. */
void vhdstream_on_size(struct vhdstream *v, vhdstream_size_fn *fn, void *ctx);

/* --- While it runs -------------------------------------------------------- */

/** Asks the operation to stop. It cleans up and returns VHDSTREAM_CANCELLED, as
 * does every later one of this object. From any thread, and from a signal
 * handler. */
void vhdstream_cancel(struct vhdstream *v);

/** How far it is. All in bytes. */
struct vhdstream_progress {
    uint64_t total; /**< virtual size that will be covered; 0: not known yet */
    uint64_t done;  /**< of it so far, holes included */
    uint64_t holes; /**< of `done`: nothing to move */
    uint64_t read;  /**< taken from the source's place */
    uint64_t written; /**< given to the destination's place */
};

/** A snapshot of the running (or last) operation; each number is true, the sum
 * of them perhaps not of one moment. From any thread, and cheap. */
void vhdstream_get_progress(const struct vhdstream *v,
                            struct vhdstream_progress *out);

/** A result other than 0 is as vhdstream_cancel. */
typedef int vhdstream_progress_fn(void *ctx,
                                  const struct vhdstream_progress *p);

/** Calls fn(ctx, progress) four times a second, whatever the operation is
 * waiting for, from a thread of the operation, and once more at its end, from
 * the caller's. NULL: nobody listens. Before the operation. */
void vhdstream_on_progress(struct vhdstream *v, vhdstream_progress_fn *fn,
                           void *ctx);

/** Calls fn(ctx, text) for things worth a sentence that are no failure: a lost
 * footer that could be done without, a member that was skipped. From any thread
 * of the operation. NULL: nobody listens. Before the operation. */
void vhdstream_on_notice(struct vhdstream *v,
                         void (*fn)(void *ctx, const char *text), void *ctx);

/* --- Whom to believe ------------------------------------------------------ */

/** A certificate that a server shows. */
struct vhdstream_certificate {
    const char *host;    /**< as in pins: lower case, without a port */
    const char *sha256;  /**< "sha256:" and 64 hexadecimal digits */
    const char *problem; /**< why it is not trusted; NULL: it is */
    bool may_wait;       /**< there is time to ask somebody */
};

enum vhdstream_trust {
    VHDSTREAM_AS_VERIFIED, /**< by chain, name and date */
    VHDSTREAM_BELIEVE,     /**< take it; this connection only */
    VHDSTREAM_CHANGED,     /**< refuse it: the host had another one before */
    VHDSTREAM_ASK_AGAIN    /**< call again with may_wait */
};

/** Calls fn(ctx, certificate) for certificates of a side for which neither
 * "pin" nor "cacert" nor "insecure" is set, unless the pool itself vouches for
 * it; the result is an enum vhdstream_trust. The call comes in the middle of a
 * handshake, and must not wait then; after VHDSTREAM_ASK_AGAIN it comes once
 * more, outside of one, and may take its time. From any thread of the
 * operation. NULL: nobody is asked. Before the operation. */
void vhdstream_on_certificate(
    struct vhdstream *v,
    int (*fn)(void *ctx, const struct vhdstream_certificate *certificate),
    void *ctx);

#ifdef __cplusplus
}
#endif

#endif
