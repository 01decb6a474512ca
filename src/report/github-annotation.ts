/** One workflow command of GitHub Actions, which becomes an annotation of the run. */

export type AnnotationLevel = "error" | "warning" | "notice";

/** Escapes as the runner's toolkit defines them: a line break or a colon must not start another command or property. */
export function annotation(level: AnnotationLevel, title: string, message: string): string {
  return `::${level} title=${escapedProperty(title)}::${escapedData(message)}`;
}

function escapedData(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function escapedProperty(text: string): string {
  return escapedData(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}
