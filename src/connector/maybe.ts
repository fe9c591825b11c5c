/** There already, or on its way: a platform on this machine answers at once, a remote one with a promise, one of this realm. */
export type Maybe<T> = T | Promise<T>

/** What follows an answer, at once when it is there: awaiting what is there costs more than many a call that answers. */
export function then<T, U>(value: Maybe<T>, next: (value: T) => Maybe<U>): Maybe<U> {
  return value instanceof Promise ? value.then(next) : next(value)
}
