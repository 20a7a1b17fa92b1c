"""``python -m rsqa_desktop`` is ``rsqa-desktop``."""

import sys

from rsqa_desktop.app import main

sys.exit(main())
