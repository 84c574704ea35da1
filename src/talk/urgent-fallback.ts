import type { UrgentKind } from '../model/content.ts'
export const FALLBACK_URGENT: readonly UrgentKind[] = []
