// Package keyring keeps the keys that personal data is sealed under, one for each
// subject, in a directory of its own, apart from the log, its backups and its views:
// a [*Ring] is a [stream.Keys].
//
// What is always true:
//
//   - A key is on the disk before anyone gets it, so nothing is sealed under a key that
//     a crash takes away. A subject has one key, whoever asks first, in this process
//     or in another one that has the same directory open.
//   - Forgetting is for good. When [Ring.Forget] returns, it is on the disk that the
//     subject was forgotten, and its key was overwritten there; no crash brings it
//     back, and the subject gets no other key. After a crash during Forget the key is
//     there whole, or the subject is forgotten and the next [Open] overwrites the key.
//   - A directory that holds anything else is refused and not touched. A damaged file
//     is an error that names it, and not taken for a subject without a key.
//   - All methods may be called concurrently. There are no goroutines.
//
// What it can not promise: a key that was overwritten is gone from the file, but a file
// system that copies on write or keeps snapshots, a disk that moves its blocks about (an
// SSD does), swap and the memory of running processes may keep what was there. With
// [Options.Master] only the closed form gets to the disk: then who finds an old
// block needs the master key as well. A backup of the directory keeps all keys that it
// was made with: keep such backups for as short a time as you may take to forget
// somebody, and no longer.
//
// A subject's file is named by a hash of its name: who has the directory sees how many
// subjects there are and how many were forgotten, and can tell whether one that they
// know the name of is among them.
package keyring
