import { CircleAlert } from "lucide-react";
import { Component, type ReactNode } from "react";
import { sentenceOf } from "../api/problems";
import { Button } from "./ui/Button";
import { EmptyState } from "./ui/EmptyState";

interface Props {
  readonly children: ReactNode;
}

/** Keeps what breaks in one part of the view from taking the rest with it. */
export class ErrorBoundary extends Component<Props, { readonly error: Error | null }> {
  override state: { readonly error: Error | null } = { error: null };

  static getDerivedStateFromError(error: Error): { error: Error } {
    return { error };
  }

  override render(): ReactNode {
    if (this.state.error === null) return this.props.children;
    return <Broken error={this.state.error} again={() => this.setState({ error: null })} />;
  }
}

/** What stands where something broke. */
export function Broken({ error, again }: { readonly error: unknown; readonly again: () => void }) {
  return (
    <EmptyState
      icon={<CircleAlert aria-hidden />}
      title="This could not be shown"
      action={<Button onClick={again}>Try again</Button>}
    >
      {sentenceOf(error)}
    </EmptyState>
  );
}
