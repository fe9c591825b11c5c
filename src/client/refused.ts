/** What was asked can't be done as things are; the message says why. */
export class Refused extends Error {
  override readonly name = 'Refused'
}
