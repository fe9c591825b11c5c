import type { StoredJob } from '../catalog/catalog.ts'
import { redact } from '../job/redact.ts'
import type { JobFacts, JobStart, WorkflowOptions } from '../../workflows/messages.ts'
import { jobWorkflowId } from '../../workflows/names.ts'
import { jobSummary } from '../../workflows/progress_text.ts'
import { attributes, jobAttributes } from '../../workflows/search_attributes.ts'

/** What Temporal takes as details. */
const mostDetailBytes = 20_000

/** How a job's workflow is started, by whoever does: one for each job, with what the Web UI shows of it and finds it by. */
export function jobStart(
  { id: jobId, document }: Pick<StoredJob, 'id' | 'document'>,
  facts: JobFacts,
  { taskQueue, options }: { taskQueue: string; options?: WorkflowOptions | undefined },
) {
  const args: [JobStart] = [{ jobId, facts, ...(options ? { options } : {}) }]
  return {
    workflowId: jobWorkflowId(jobId),
    taskQueue,
    args,
    workflowIdConflictPolicy: 'USE_EXISTING' as const,
    staticSummary: jobSummary(facts),
    staticDetails: details(document),
    typedSearchAttributes: [...jobAttributes(jobId, facts), { key: attributes.status, value: 'idle' }],
  }
}

/** The document as posted, without what is secret, as far as Temporal takes it. */
function details(document: Record<string, unknown>): string {
  const text = JSON.stringify(redact(document), null, 2)
  const fence = (json: string): string => `\`\`\`json\n${json}\n\`\`\``
  if (Buffer.byteLength(fence(text)) <= mostDetailBytes) return fence(text)
  const short = Buffer.from(text)
    .subarray(0, mostDetailBytes - 200)
    .toString('utf8')
    .replace(/\n[^\n]*$/, '')
  return `${fence(short)}\n\n*cut off: the document is longer than Temporal shows*`
}
