import type { NameRules } from '../capabilities.ts'
import { ConnectorError } from '../errors.ts'
import { nameGate } from '../local/names.ts'
import { posixNames } from '../name_rules.ts'
import type { Dialect } from './settings.ts'

/** Of what has a control character in its name, Infinite Scale gives nothing out again; the older ones take none, nor what is theirs. */
export function nameRulesOf(dialect: Dialect): NameRules {
  const rules: NameRules = { ...posixNames, controls: true }
  if (dialect === 'ocis') return rules
  return {
    ...rules,
    unicode: 'nfc',
    invalid: '/\0\\',
    reserved: ['.', '..', '.htaccess'],
    invalidExtensions: ['part', 'filepart'],
    maxSegment: { n: 250, unit: 'bytes' },
  }
}

/** Refuses names that a new item may not have. */
export function nameCheck(rules: NameRules): (name: string) => void {
  const gate = nameGate(rules)
  return (name) => {
    gate(name)
    const refuse = (why: string): never => {
      throw new ConnectorError('NameInvalid', `${JSON.stringify(name)} ${why}`)
    }
    if (rules.invalidExtensions.some((extension) => name.toLowerCase().endsWith(`.${extension}`)))
      refuse('has an extension that is the server’s own')
    // The server takes it for a piece of an upload, as clients once sent them.
    if (/-chunking-\w+-\d+-\d+$/.test(name)) refuse('ends as pieces of an upload do')
  }
}

/** The name a content has until it is published, in the folder it will be in. */
export function stagingName(key: string): string {
  if (/^[a-z0-9.-]{1,38}$/.test(key) && !key.endsWith('.')) return `.~${key}`
  throw new ConnectorError('NameInvalid', `${JSON.stringify(key)} is no staging key: 1 to 38 of a-z, 0-9, ".", "-"`)
}
