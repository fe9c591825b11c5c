import type { NameRules } from '../capabilities.ts'
import { ConnectorError } from '../errors.ts'
import { childId, looksEscaped, type Keys } from './keys.ts'

/** Refuses names that a new item may not have. */
export class Names {
  readonly #rules: NameRules
  readonly #keys: Keys

  constructor(rules: NameRules, keys: Keys) {
    this.#rules = rules
    this.#keys = keys
  }

  check(container: string, name: string): void {
    const refuse = (why: string): never => {
      throw new ConnectorError('NameInvalid', `${JSON.stringify(name)} ${why}`)
    }
    if (name === '' || name === '.' || name === '..') refuse('is no name')
    if (!name.isWellFormed()) refuse('is not well-formed Unicode')
    if (name.includes('/') || name.includes('\0')) refuse('contains a slash or NUL')
    if (looksEscaped(name)) refuse('ends as only escaped names do')
    const { maxSegment, maxPath, controls } = this.#rules
    if (controls && /[\x00-\x1f\x7f]/.test(name)) refuse('has a control character, which this server cannot list')
    if (maxSegment && Buffer.byteLength(name) > maxSegment.n)
      throw new ConnectorError('NameTooLong', `the name is longer than ${maxSegment.n} bytes`)
    const whole = Buffer.byteLength(this.#keys.keyOf(childId(container, name))) - Buffer.byteLength(this.#keys.prefix)
    if (maxPath && whole > maxPath.n)
      throw new ConnectorError('NameTooLong', `the key is longer than ${maxPath.n} bytes behind the prefix`)
  }
}
