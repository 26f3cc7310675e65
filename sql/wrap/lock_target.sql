-- Keeps everyone else from writing to the target until the batch ends; reading goes on.
lock table {{ target }} in share row exclusive mode
