// Package marble is the notation of the test kit and of Thaw's pictures: what
// happens in a log and before its subscribers, tick by tick, as text that is
// read, compared and drawn.
//
//	log       ab ^    - c - [de] - |
//	cold         (ab|)
//	cold+hot     (ab~)- c - [de] - |
//	hot          -    - c - [de] - |
//
// One token is one tick; spaces are free.
//
//   - a tick in which nothing happens
//     5s      a jump: so much time passes (ns, us, ms, s, m, h, d; 1h30m)
//     a       an event; the letter stands for its value
//     [ab]    one atomic append of several events
//     (ab)    several things in one instant, in this order
//     ^       subscribed: what is left of it is committed history
//     ~       caught up: history has been replayed, what follows is live
//     | #     completed; failed
//     !       unsubscribed
//   - a checkpoint was stored
//     %       crashed; the next ^ goes on from the last checkpoint
//     c'      c is delivered again
//
// The finer points:
//
//   - The first ^ is at time zero, and what is left of it before zero; without a
//     ^ the lane begins at zero. Another ^ comes only after what ended the
//     subscription: a !, %, | or #. A lane in which that happens has had a ^
//     before.
//   - A jump takes its time and no tick besides: "a 9ms b" is "a---------b". A
//     letter behind it needs a space between.
//   - After | and # nothing happens until a % or a ^; time may pass.
//   - "10us: ab" is a lane with a tick of its own. Lanes of real runs are written
//     so, if things happen closer to one another than a tick.
//
// What is always true:
//
//   - [Lane.Text] is the inverse of [Parse]: what was read is written and read as
//     the same lane.
//   - [Compare] finds no difference only if the same happens in the same order at
//     the same times. It says in words what was dropped, added, swapped,
//     repeated, changed, early or late.
//   - The same trace makes the same text, picture and data.
//   - Nothing panics, whatever the text, the values or the times are.
//   - Everything may be called from several goroutines at once, but for [Names].
package marble
