// Package badgertables is [stream.Tables] on disk, in a Badger database of their
// own: for durable views and for snapshots.
//
// What is always true:
//
//   - An update is stored whole or not at all, whatever ends the process, and
//     updates are stored in order: what is there after a crash of the process is
//     everything that Update returned for.
//   - Nothing is synced, as everything in here can be made anew. After a crash of
//     the machine or a loss of power, what the disk has can not be trusted: if the
//     machine has been started since the tables were last open and they were not
//     closed, Open begins with empty ones and says so ([Tables.Emptied]).
//   - A snapshot shows the tables at one moment. What it shows is kept until it is
//     closed, so leave none open.
//   - One process has the directory open. A directory that is something else is
//     refused before anything in it is touched.
//   - The database's goroutines have ended when Close returns. No type or error of
//     Badger's leaves this package.
package badgertables
