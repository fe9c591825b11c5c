import type { ContainerToList } from '../../ledger/ledger.ts'
import { readable } from '../items/addresses.ts'
import type { ExecutionContext } from '../engine/execution_context.ts'
import { throwUnlessItems, type ItemTrouble } from '../engine/trouble.ts'
import { emptyListing } from './decided_children.ts'

/** The container's children are not looked at in this execution; its neighbours go on. Of too many, a person has to think. */
export async function failContainer(
  context: ExecutionContext,
  container: ContainerToList,
  trouble: ItemTrouble,
): Promise<void> {
  const halts = context.failed(`${readable(container.sourceNames)}: ${trouble.why}`)
  if (!halts) await makeAllTheSame(context, container, trouble)
  await context.ledger.enumerated({
    ...emptyListing(context, container),
    failed: { ...trouble, flag: trouble.reason === 'too_many_items' },
    audit: [
      {
        item: container.item,
        level: 'error',
        type: 'failed',
        message: `${readable(container.sourceNames)}: ${trouble.why}`,
      },
    ],
  })
}

/** A folder that can't be looked into is still a folder, which `empty_containers: create` wants to see. */
async function makeAllTheSame(
  context: ExecutionContext,
  container: ContainerToList,
  { reason }: ItemTrouble,
): Promise<void> {
  const { settings, simulated } = context.spec
  if (container.ready || simulated || settings.emptyContainers !== 'create' || reason === 'NotFound') return
  try {
    await context.containers.idOf(container.item, new Map(), { token: container.token, former: container.resumed })
  } catch (error) {
    // That it could not be looked into is on record in any case.
    throwUnlessItems(error, 'destination')
  }
}
