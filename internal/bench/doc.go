// Command bench measures Thaw's embedded log beside what it could be replaced
// with, and its operators beside samber/ro, rxgo and a loop written by hand. It
// prints a table of ratios with their targets:
//
//	go run ./internal/bench              # the log, about ten minutes
//	go run ./internal/bench -quick       # about one, with sizes too small to be quoted
//	go run ./internal/bench -aggregates  # aggregates, views and sagas, about two
//	go run ./internal/bench -operators   # the operators, about two; with -quick in a quarter
//
// What is always true of its figures:
//
//   - A ratio is of two cases of one round. Rounds run the cases in turn, every
//     other round backwards, each in a process and a directory of its own; what is printed is the
//     median over the rounds, the least and the most. A figure without a range
//     was measured in one round.
//   - Every store is given the same events, in the same order, with the settings
//     that were measured to be its fastest. A peer is given them encoded, as many
//     bytes as Thaw's format has for a head and a payload (287 with a payload of
//     200); Thaw encodes them within the measured time. Thaw always keeps its
//     index by stream; a peer does where its name says "+index".
//   - A case named durable returns from every commit once the commit is on the
//     disk. With -prove each is run under strace, and is refused unless it made
//     enough syncs for its commits between the first append and the last.
//   - Appending is counted from after the opening to the last commit, and the
//     bytes written from after the opening to after the closing and a sync of all
//     disks: as the kernel counts them for the process, per byte of event. At
//     rest is the space that the files then take, space that is only reserved
//     included; it is given where the number of events is.
//   - Memory is the most that was ever resident in the process, mapped files and
//     the program itself included: about 40 MB, as all peers are linked into it.
//     Anonymous is the part that no file backs, looked at every 20 ms.
//   - What is read was closed before, and opened again. Scans and loads are from
//     a warm page cache; opening is timed with nothing of the log in it.
//   - An operator case runs its pipeline over and over and tells the median of the
//     runs. What an operator costs on top is of runs with it and without it in
//     turn, in one process. Every run's result is checked, so that none is fast by
//     doing less.
//   - A case that fails is named, is left out, and makes the command fail.
//
// It imports nothing of Thaw but what a user can. Off Linux it runs, and leaves
// out what it can not count.
package main
