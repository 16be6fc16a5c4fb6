/** Pictures beside words, never instead of them: all are hidden from assistive technology. */

import type { ComponentChildren } from "preact";

function Icon({ size = 20, children }: { size?: number; children: ComponentChildren }) {
  return (
    <svg
      class="icon"
      width={size}
      height={size}
      viewBox="0 0 20 20"
      fill="none"
      stroke="currentColor"
      stroke-width="1.6"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      {children}
    </svg>
  );
}

export const GateIcon = () => (
  <Icon size={26}>
    <path d="M4.5 17V8.5a5.5 5.5 0 0 1 11 0V17" />
    <path d="M10 17v-5.5" />
    <path d="M2.5 17h15" />
  </Icon>
);

export const UploadIcon = () => (
  <Icon size={28}>
    <path d="M10 13V3.5M6.2 7 10 3.2 13.8 7" />
    <path d="M3 13v2.2A1.8 1.8 0 0 0 4.8 17h10.4a1.8 1.8 0 0 0 1.8-1.8V13" />
  </Icon>
);

export const FileIcon = () => (
  <Icon size={22}>
    <path d="M11.5 2.5H6A1.5 1.5 0 0 0 4.5 4v12A1.5 1.5 0 0 0 6 17.5h8a1.5 1.5 0 0 0 1.5-1.5V6.5z" />
    <path d="M11.5 2.5v4h4" />
  </Icon>
);

export const LinkIcon = () => (
  <Icon size={18}>
    <path d="M8.2 11.8a3.2 3.2 0 0 0 4.6 0l2.5-2.5a3.25 3.25 0 0 0-4.6-4.6l-1 1" />
    <path d="M11.8 8.2a3.2 3.2 0 0 0-4.6 0l-2.5 2.5a3.25 3.25 0 0 0 4.6 4.6l1-1" />
  </Icon>
);

export const TrashIcon = () => (
  <Icon size={18}>
    <path d="M3.5 5.5h13M8 5.5V3.8A.8.8 0 0 1 8.8 3h2.4a.8.8 0 0 1 .8.8v1.7" />
    <path d="m5 5.5.7 10.2A1.4 1.4 0 0 0 7.1 17h5.8a1.4 1.4 0 0 0 1.4-1.3L15 5.5" />
  </Icon>
);

export const AlertIcon = () => (
  <Icon size={20}>
    <circle cx="10" cy="10" r="7.5" />
    <path d="M10 6.2v4.6M10 13.6v.1" />
  </Icon>
);

export const DoneIcon = () => (
  <Icon size={20}>
    <circle cx="10" cy="10" r="7.5" />
    <path d="m6.8 10.3 2.2 2.2 4.3-4.6" />
  </Icon>
);
