import type { NameRules } from '../capabilities.ts'
import { ConnectorError } from '../errors.ts'
import { nameGate } from '../local/names.ts'
import { posixNames } from '../name_rules.ts'

/** Of what has a control character in its name, the server gives nothing out again. */
export const nameRules: NameRules = { ...posixNames, controls: true, maxSegment: { n: 255, unit: 'bytes' } }

const gate = nameGate(nameRules)

/** Refuses names that a new item may not have. */
export function checkName(name: string): void {
  gate(name)
  // The server takes it for a piece of an upload, as clients once sent them.
  if (/-chunking-\w+-\d+-\d+$/.test(name))
    throw new ConnectorError('NameInvalid', `${JSON.stringify(name)} ends as pieces of an upload do`)
}

/** The name a content has until it is published, in the folder it will be in. */
export function stagingName(key: string): string {
  if (/^[a-z0-9.-]{1,38}$/.test(key) && !key.endsWith('.')) return `.~${key}`
  throw new ConnectorError('NameInvalid', `${JSON.stringify(key)} is no staging key: 1 to 38 of a-z, 0-9, ".", "-"`)
}
