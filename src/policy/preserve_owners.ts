import type { Capabilities } from '../connector/capabilities.ts'
import type { Principal } from '../connector/item.ts'
import type { Resolution } from '../map/resolve.ts'
import { nameText } from './who.ts'

interface CarriedOwners {
  owner?: Principal
  group?: Principal
  /** Whoever could not be carried, and in words; audit type 4002. */
  warnings: { principal: Principal; message: string }[]
}

/**
 * Who is to own an item at the destination. Whoever has no counterpart there leaves it with the running account; whoever the
 * map excludes does so silently.
 *
 * @see reference: job-policies 18
 */
export function preserveOwners(
  item: { owner?: Principal | undefined; group?: Principal | undefined },
  resolve: (principal: Principal) => Resolution,
  destination: Capabilities['owners'],
): CarriedOwners {
  const carried: CarriedOwners = { warnings: [] }
  for (const role of ['owner', 'group'] as const) {
    const principal = item[role]
    if (!principal || destination[role] !== 'readwrite') continue
    const resolution = resolve(principal)
    if (resolution.mayOwn && resolution.destination) carried[role] = resolution.destination
    else if (resolution.how !== 'excluded') {
      const who = `${role} ${nameText(principal)}`
      const message = `${who} has no counterpart at the destination (${resolution.why}); the running account owns it`
      carried.warnings.push({ principal, message })
    }
  }
  return carried
}
