import { Link } from "@tanstack/react-router";
import { MapPinOff } from "lucide-react";
import { EmptyState } from "./ui/EmptyState";

export function NotFound() {
  return (
    <EmptyState
      page
      icon={<MapPinOff aria-hidden />}
      title="There is nothing at this address"
      action={<Link to="/">All photos</Link>}
    />
  );
}
