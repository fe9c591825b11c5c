import type { User } from '../catalog/catalog.ts'
import { InUse } from '../problem.ts'

const mostNamed = 10

/** @throws InUse naming who refers to it */
export function refuseWhileUsed(what: string, users: readonly User[]): void {
  if (users.length === 0) return
  const more = users.length > mostNamed ? ` and ${users.length - mostNamed} more` : ''
  throw new InUse([{ code: 'in_use', description: `${what} is used by ${sayUsers(users.slice(0, mostNamed))}${more}` }])
}

/** `job "Share" (1f…), account map "People" (2e…)` */
export function sayUsers(users: readonly User[]): string {
  return users.map(({ type, name, id }) => `${type.replace('_', ' ')} ${JSON.stringify(name)} (${id})`).join(', ')
}
