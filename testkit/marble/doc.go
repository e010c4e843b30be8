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
//     5s      a jump: so much time passes (us, ms, s, m, h, d)
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
package marble
